"""The expected calibration error: known cases, the edges of bins, and the coverage of its interval."""

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.metrics import softmax
from optotype.metrics.calibration import BINS, bin_by_confidence, expected_calibration_error


def _two_classes(confidences: list[float]) -> NDArray[np.float64]:
    """Return probabilities of two classes; the first is the more probable one."""
    return np.array([[confidence, 1 - confidence] for confidence in confidences])


def test_known_case() -> None:
    """Four images at 0.9, three of them correct, and a wrong one at 0.7: the error is (4 x 0.15 + 0.7) / 5."""
    error = expected_calibration_error(_two_classes([0.9, 0.9, 0.9, 0.9, 0.7]), np.array([0, 0, 0, 1, 1]))
    assert error.value == pytest.approx((4 * 0.15 + 0.7) / 5)


def test_differences_in_a_bin_cancel() -> None:
    """If the accuracy in a bin equals the confidence, the error is 0."""
    error = expected_calibration_error(_two_classes([0.75] * 4), np.array([0, 0, 0, 1]))
    assert error.value == pytest.approx(0)
    assert error.low == 0


def test_edges_of_bins() -> None:
    """A confidence of exactly i / 15 is in the bin below, and 1 is in the last bin."""
    confidences = [index / BINS for index in range(8, BINS + 1)]
    assert bin_by_confidence(_two_classes(confidences), np.zeros(8, np.int64)).bins.tolist() == [
        *range(7, BINS)
    ]
    assert bin_by_confidence(_two_classes([0.60001]), np.zeros(1, np.int64)).bins.tolist() == [9]


def test_one_image() -> None:
    """For one correct image at 0.8 the error is 0.2, and the interval has no width."""
    error = expected_calibration_error(_two_classes([0.8]), np.array([0]))
    assert (error.value, error.low, error.high) == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.parametrize(("temperature", "true_error"), [(1.0, 0.0009), (1.3, 0.0702)])
@pytest.mark.parametrize("n", [200, 1000])
def test_coverage(temperature: float, true_error: float, n: int) -> None:
    """At least 93 % of 200 simulated intervals contain the true error, for calibrated and overconfident probabilities.

    The true errors were computed on a million simulated images.
    """
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        logits = rng.normal(size=(n, 10)) * 4
        probabilities = softmax(logits / temperature)
        labels = (probabilities.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
        error = expected_calibration_error(softmax(logits), labels)
        covered += error.low <= true_error <= error.high
    assert covered >= 186
