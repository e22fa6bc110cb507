"""The expected calibration error: by hand, at the edges of the bins, and how often its interval holds the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.metrics import softmax
from optotype.metrics.calibration import BINS, expected_calibration_error, bin_by_confidence


def _two(confidences: list[float]) -> NDArray[np.float64]:
    """Make probabilities of two classes, the first of which is the more probable."""
    return np.array([[each, 1 - each] for each in confidences])


def test_the_error_by_hand() -> None:
    """Four images at 0.9 of which three are right, and one at 0.7 that is wrong: (4 x 0.15 + 0.7) / 5."""
    error = expected_calibration_error(_two([0.9, 0.9, 0.9, 0.9, 0.7]), np.array([0, 0, 0, 1, 1]))
    assert error.value == pytest.approx((4 * 0.15 + 0.7) / 5)


def test_gaps_of_one_bin_cancel() -> None:
    """Images of one confidence are right as often as it says: no error."""
    error = expected_calibration_error(_two([0.75] * 4), np.array([0, 0, 0, 1]))
    assert error.value == pytest.approx(0)
    assert error.low == 0


def test_bins_are_closed_above() -> None:
    """A confidence of exactly i / 15 is the highest of its bin; 1 is in the last."""
    confidences = [each / BINS for each in range(8, BINS + 1)]
    assert bin_by_confidence(_two(confidences), np.zeros(8, np.int64)).place.tolist() == [*range(7, BINS)]
    assert bin_by_confidence(_two([0.60001]), np.zeros(1, np.int64)).place.tolist() == [9]


def test_one_image_has_an_error() -> None:
    """Right at 0.8 it is 0.2, and the interval is a point."""
    error = expected_calibration_error(_two([0.8]), np.array([0]))
    assert (error.value, error.low, error.high) == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.parametrize(("temperature", "truth"), [(1.0, 0.0009), (1.3, 0.0702)])
@pytest.mark.parametrize("n", [200, 1000])
def test_the_interval_holds_the_truth(temperature: float, truth: float, n: int) -> None:
    """In at least 93 % of 200 simulated sets, for probabilities that are right and for some that are too sure.

    The truths are the errors of a million such images.
    """
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        logits = rng.normal(size=(n, 10)) * 4
        true = softmax(logits / temperature)
        labels = (true.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
        error = expected_calibration_error(softmax(logits), labels)
        held += error.low <= truth <= error.high
    assert held >= 186
