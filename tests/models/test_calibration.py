"""Calibration: the temperature is found again, and label sets hold the truth as often as they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from optotype.errors import DataError, ModelError
from optotype.metrics import log_loss, softmax
from optotype.models.calibration import COLDEST, HOTTEST, LEAST, Calibration

Logits = NDArray[np.float64]
Labels = NDArray[np.int64]


def _drawn(n: int, temperature: float, seed: int = 0) -> tuple[Logits, Labels]:
    """Draw logits of ten classes which, divided by the temperature, are those of the labels' true probabilities."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 3, (n, 10))
    labels = (softmax(true).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return true * temperature, np.minimum(labels, 9)


@given(st.floats(0.2, 8))
def test_the_temperature_is_found_again(temperature: float) -> None:
    """Where the truth has a temperature, the fit finds it to a few percent, and the loss is no higher than before."""
    logits, labels = _drawn(3000, temperature)
    found = Calibration.fit(logits.astype(np.float32), labels)
    assert found.temperature == pytest.approx(temperature, rel=0.08)
    assert log_loss(logits / found.temperature, labels) <= log_loss(logits, labels) + 1e-9


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_loss_is_least_where_scipy_finds_it_least(temperature: float) -> None:
    """The temperature is the one at which SciPy's minimizer finds the least log loss."""
    logits, labels = _drawn(300, temperature, seed=4)
    bounds = (math.log(COLDEST), math.log(HOTTEST))
    least = minimize_scalar(
        lambda log: log_loss(logits / math.exp(log), labels), bounds=bounds, method="bounded"
    )
    assert Calibration.fit(logits, labels).temperature == pytest.approx(math.exp(least.x), rel=1e-3)


def test_a_model_without_an_error_is_not_made_surer() -> None:
    """Where every calibration image is right, the temperature is at least 1; where none is, it ends at its bound."""
    labels = np.arange(60) % 3
    right = np.eye(3)[labels] * 2
    assert Calibration.fit(right, labels).temperature == pytest.approx(1)
    assert Calibration.fit(-right, labels).temperature == pytest.approx(HOTTEST)


def test_calibration_changes_no_order() -> None:
    """Calibrated probabilities add up to 1 and rank the classes as the logits do."""
    logits, labels = _drawn(200, 3.0)
    probabilities = Calibration.fit(logits, labels).probabilities(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argsort(axis=1), logits.argsort(axis=1))


def test_what_cannot_be_calibrated_on_is_refused() -> None:
    """Too few images and logits that are no numbers are DataErrors that say so."""
    logits, labels = _drawn(LEAST, 1.0)
    with pytest.raises(DataError, match="49 images are too few to calibrate on, expected at least 50"):
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
def test_numbers_that_are_no_calibration_are_refused(temperature: float, scores: Logits) -> None:
    """A temperature out of range, and scores that do not rise from 0 to 1, are ModelErrors."""
    with pytest.raises(ModelError, match="Train the model again"):
        Calibration(temperature, scores)


@given(st.integers(50, 400), st.floats(0.5, 0.98), st.floats(0.001, 0.01))
def test_sets_grow_with_what_is_asked(n: int, coverage: float, more: float) -> None:
    """A set of larger coverage holds the smaller one; every set holds the most probable class."""
    logits, labels = _drawn(n, 1.0, seed=n)
    calibration = Calibration.fit(logits, labels)
    probabilities = calibration.probabilities(logits)
    smaller, larger = (calibration.label_sets(probabilities, each) for each in (coverage, coverage + more))
    assert (larger >= smaller).all()
    assert smaller[np.arange(n), probabilities.argmax(axis=1)].all()
    # Of the calibration's own images at least the share that was asked.
    assert smaller[np.arange(n), labels].mean() >= coverage


def test_too_few_images_promise_nothing() -> None:
    """98 images cannot promise 99 %: every class is in every set; 99 can."""
    logits, labels = _drawn(99, 1.0)
    few = Calibration.fit(logits[:98], labels[:98])
    assert few.label_sets(few.probabilities(logits)).all()
    enough = Calibration.fit(logits, labels)
    assert not enough.label_sets(enough.probabilities(logits)).all()


@pytest.mark.parametrize("coverage", [0.0, 1.0, -1.0, math.nan])
def test_a_coverage_that_is_none_is_refused(coverage: float) -> None:
    """A coverage lies between 0 and 1."""
    logits, labels = _drawn(60, 1.0)
    with pytest.raises(DataError, match="expected between 0 and 1"):
        Calibration.fit(logits, labels).label_sets(softmax(logits), coverage)


@pytest.mark.parametrize(("n", "coverage"), [(500, 0.99), (500, 0.9), (5000, 0.99), (5000, 0.9)])
def test_sets_hold_the_truth_as_often_as_asked(n: int, coverage: float) -> None:
    """Over 2,000 simulated calibration sets, labels of new images are in their sets as often as asked."""
    rng = np.random.default_rng(n)
    logits, labels = _drawn(40_000, 2.5, seed=1)
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


def test_the_fitted_temperature_costs_no_coverage() -> None:
    """With temperature and scores from the same 500 images, 300 times, sets still hold the truth as often as asked."""
    covered = []
    for seed in range(300):
        logits, labels = _drawn(1000, 2.5, seed=seed)
        calibration = Calibration.fit(logits[:500], labels[:500])
        sets = calibration.label_sets(calibration.probabilities(logits[500:]))
        covered.append(sets[np.arange(500), labels[500:]].mean())
    assert np.mean(covered) >= 0.98
