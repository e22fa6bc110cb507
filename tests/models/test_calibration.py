"""Calibration: the fitted temperature, and the coverage of label sets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from optotype.errors import DataError, ModelError
from optotype.metrics import log_loss, softmax
from optotype.models.calibration import MAX_TEMPERATURE, MIN_IMAGES, MIN_TEMPERATURE, Calibration

Logits = NDArray[np.float64]
Labels = NDArray[np.int64]


def _draw(n: int, temperature: float, seed: int = 0) -> tuple[Logits, Labels]:
    """Draw logits of ten classes that, divided by the temperature, give the labels' true probabilities."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 3, (n, 10))
    labels = (softmax(true).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return true * temperature, np.minimum(labels, 9)


@given(st.floats(0.2, 8))
def test_fitted_temperature(temperature: float) -> None:
    """The fit finds the true temperature within 8 %, and the log loss does not increase."""
    logits, labels = _draw(3000, temperature)
    calibration = Calibration.fit(logits.astype(np.float32), labels)
    assert calibration.temperature == pytest.approx(temperature, rel=0.08)
    assert log_loss(logits / calibration.temperature, labels) <= log_loss(logits, labels) + 1e-9


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_temperature_equals_scipys(temperature: float) -> None:
    """The temperature equals the one at which SciPy's minimizer finds the lowest log loss."""
    logits, labels = _draw(300, temperature, seed=4)
    bounds = (math.log(MIN_TEMPERATURE), math.log(MAX_TEMPERATURE))
    minimum = minimize_scalar(
        lambda log: log_loss(logits / math.exp(log), labels), bounds=bounds, method="bounded"
    )
    assert Calibration.fit(logits, labels).temperature == pytest.approx(math.exp(minimum.x), rel=1e-3)


def test_temperature_without_errors() -> None:
    """The temperature is at least 1 if every image is classified correctly, and at its bound if none is."""
    labels = np.arange(60) % 3
    correct = np.eye(3)[labels] * 2
    assert Calibration.fit(correct, labels).temperature == pytest.approx(1)
    assert Calibration.fit(-correct, labels).temperature == pytest.approx(MAX_TEMPERATURE)


def test_order_of_classes() -> None:
    """Calibrated probabilities add up to 1 and sort the classes like the logits."""
    logits, labels = _draw(200, 3.0)
    probabilities = Calibration.fit(logits, labels).probabilities(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argsort(axis=1), logits.argsort(axis=1))


def test_fit_errors() -> None:
    """Too few images and logits that are not finite raise a DataError."""
    logits, labels = _draw(MIN_IMAGES, 1.0)
    with pytest.raises(DataError, match=r"49 images are too few .* at least 50"):
        Calibration.fit(logits[1:], labels[1:])
    logits[3, 2] = np.inf
    with pytest.raises(DataError, match="not finite"):
        Calibration.fit(logits, labels)


@pytest.mark.parametrize(
    ("temperature", "scores"),
    [
        (math.nan, np.linspace(0, 1, 60)),
        (0.0, np.linspace(0, 1, 60)),
        (21.0, np.linspace(0, 1, 60)),
        (1.0, np.linspace(1, 0, 60)),
        (1.0, np.linspace(0, 1.1, 60)),
        (1.0, np.linspace(-0.1, 1, 60)),
        (1.0, np.full(60, np.nan)),
        (1.0, np.linspace(0, 1, 49)),
        (1.0, np.linspace(0, 1, 60, dtype=np.float32)),
        (1.0, np.zeros((60, 1))),
    ],
)
def test_invalid_calibration(temperature: float, scores: Logits) -> None:
    """A temperature out of range, and scores that are not ascending in 0 .. 1, raise a ModelError."""
    with pytest.raises(ModelError, match="Train the model again"):
        Calibration(temperature, scores)


@given(st.integers(50, 400), st.floats(0.5, 0.98), st.floats(0.001, 0.01))
def test_sets_grow_with_coverage(n: int, coverage: float, more: float) -> None:
    """A set of larger coverage contains the smaller one; every set contains the most probable class."""
    logits, labels = _draw(n, 1.0, seed=n)
    calibration = Calibration.fit(logits, labels)
    probabilities = calibration.probabilities(logits)
    smaller, larger = (
        calibration.label_sets(probabilities, target) for target in (coverage, coverage + more)
    )
    assert (larger >= smaller).all()
    assert smaller[np.arange(n), probabilities.argmax(axis=1)].all()
    # The calibration images themselves are covered at least at the target rate.
    assert smaller[np.arange(n), labels].mean() >= coverage


def test_too_few_images_for_a_coverage() -> None:
    """With 98 images every 99 % set contains every class; 99 images are enough."""
    logits, labels = _draw(99, 1.0)
    few = Calibration.fit(logits[:98], labels[:98])
    assert few.label_sets(few.probabilities(logits)).all()
    enough = Calibration.fit(logits, labels)
    assert not enough.label_sets(enough.probabilities(logits)).all()


@pytest.mark.parametrize("coverage", [0.0, 1.0, -1.0, math.nan])
def test_coverage_out_of_range(coverage: float) -> None:
    """A coverage that is not between 0 and 1 raises a DataError."""
    logits, labels = _draw(60, 1.0)
    with pytest.raises(DataError, match="expected a number between 0 and 1"):
        Calibration.fit(logits, labels).label_sets(softmax(logits), coverage)


@pytest.mark.parametrize(("n", "coverage"), [(500, 0.99), (500, 0.9), (5000, 0.99), (5000, 0.9)])
def test_coverage(n: int, coverage: float) -> None:
    """Over 2,000 simulated calibrations, label sets of new images contain the true class at the target rate."""
    rng = np.random.default_rng(n)
    logits, labels = _draw(40_000, 2.5, seed=1)
    temperature = Calibration.fit(logits[:5000], labels[:5000]).temperature
    probabilities = softmax(logits / temperature)
    scores = 1 - probabilities[np.arange(len(labels)), labels]
    pool = scores[:20_000]
    covered = []
    for _ in range(2000):
        calibration = Calibration(temperature, np.sort(pool[rng.integers(0, len(pool), n)]))
        rows = rng.integers(20_000, 40_000, 200)
        covered.append(
            calibration.label_sets(probabilities[rows], coverage)[np.arange(200), labels[rows]].mean()
        )
    assert coverage - 0.01 <= np.mean(covered)
    assert np.mean(covered) <= coverage + 0.01


def test_coverage_with_fitted_temperature() -> None:
    """In 300 simulations with temperature and scores from the same 500 images, coverage is at least 98 %."""
    covered = []
    for seed in range(300):
        logits, labels = _draw(1000, 2.5, seed=seed)
        calibration = Calibration.fit(logits[:500], labels[:500])
        sets = calibration.label_sets(calibration.probabilities(logits[500:]))
        covered.append(sets[np.arange(500), labels[500:]].mean())
    assert np.mean(covered) >= 0.98
