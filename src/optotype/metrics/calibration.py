"""Calibration error: the difference between the probabilities of predicted classes and the accuracy.

Images are divided into 15 bins of equal width by the probability of their most probable class, as is usual
(C. Guo et al., On calibration of modern neural networks, ICML 2017). The expected calibration error is the difference
between mean probability and accuracy in a bin, averaged over the images (M. P. Naeini, G. F. Cooper, M. Hauskrecht,
Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015). It depends on the bins, and with few images
it is well above zero even for perfect probabilities (J. Nixon et al., Measuring calibration in deep learning, CVPR
workshops 2019).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.bootstrap import resampled_rows
from optotype.metrics.intervals import Estimate

BINS: Final = 15


@dataclass(frozen=True, eq=False)
class ConfidenceBins:
    """Images in bins of their confidence, the probability of the most probable class.

    Attributes:
        bins: Bin of each image, int64 of shape (n,): bin i, in 0 .. 14, has the images with a confidence above i / 15
            and at most (i + 1) / 15.
        confidence: Confidence of each image, float64 of shape (n,).
        is_correct: Whether the most probable class is the true class, bool of shape (n,).
    """

    bins: NDArray[np.int64]
    confidence: NDArray[np.float64]
    is_correct: NDArray[np.bool_]


def bin_by_confidence(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> ConfidenceBins:
    """Divide images into bins of their confidence.

    Args:
        probabilities: Floating-point array of shape (n, classes), each row adding up to 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return ConfidenceBins(bins, confidence, probabilities.argmax(axis=1) == labels)


def expected_calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Estimate:
    """Compute the expected calibration error with its interval.

    Random differences between confidence and accuracy add up and never cancel, so resamples lie above the value that
    they are drawn from, and their percentiles exclude an error of zero. The upper end is a percentile of the resamples.
    The lower end is 0, or the value minus the 97.5 % quantile of the noise, if that is larger. The noise is the sum of
    absolute changes of the differences in a resample: by the triangle inequality, the value exceeds the true error by
    no more than that.

    Args:
        probabilities: Floating-point array of shape (n, classes), n at least 1, each row adding up to 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        The error, in 0 .. 1.
    """
    n = len(labels)
    binned = bin_by_confidence(probabilities, labels)
    differences = binned.confidence - binned.is_correct
    measured = np.bincount(binned.bins, differences, BINS) / n
    resampled = np.concatenate(
        [_bin_sums(binned.bins[rows], differences[rows]) / n for rows in resampled_rows(n)]
    )
    value = float(np.abs(measured).sum())
    high = float(np.quantile(np.abs(resampled).sum(axis=1), 0.975))
    noise = float(np.quantile(np.abs(resampled - measured).sum(axis=1), 0.975))
    return Estimate(value, max(value - noise, 0.0), max(high, value))


def _bin_sums(bins: NDArray[np.int64], differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up differences in each bin of each resample: from shape (resamples, n) to (resamples, bins)."""
    flat_bins = bins + BINS * np.arange(len(bins))[:, np.newaxis]
    sums = np.bincount(flat_bins.ravel(), weights=differences.ravel(), minlength=BINS * len(bins))
    return sums.astype(np.float64).reshape(-1, BINS)
