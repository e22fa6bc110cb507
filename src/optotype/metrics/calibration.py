"""Whether probabilities mean what they say: of the images whose class is given 80 %, are 80 % of that class?

Images are put into 15 bins of equal width by the probability of their most probable class, as is the field's custom
(C. Guo et al., On calibration of modern neural networks, ICML 2017). The expected calibration error is the gap between
mean probability and accuracy of a bin, averaged over the images (M. P. Naeini, G. F. Cooper, M. Hauskrecht, Obtaining
well calibrated probabilities using Bayesian binning, AAAI 2015). It depends on the bins, and with few images it is well
above zero for perfect probabilities too (J. Nixon et al., Measuring calibration in deep learning, CVPR workshops 2019).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.bootstrap import resampled_rows
from optotype.metrics.intervals import Estimate

BINS: Final = 15


@dataclass(frozen=True, eq=False)
class Binned:
    """Images in bins of their confidence, the probability of the most probable class.

    Attributes:
        place: The bin of each image, int64 of shape (n,): bin i, in 0 .. 14, holds what is above i / 15 and at most
            (i + 1) / 15.
        confidence: float64 of shape (n,).
        right: Whether the most probable class is the label's, bool of shape (n,).
    """

    place: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


def in_bins(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Binned:
    """Put images into bins.

    Args:
        probabilities: Floating-point array of shape (n, classes), each row adding up to 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    place = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return Binned(place, confidence, probabilities.argmax(axis=1) == labels)


def expected_calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Estimate:
    """Give the expected calibration error with its interval.

    Chance gaps between confidence and accuracy add up and never cancel, so resamples lie above what they are drawn
    from, and their percentiles miss an error of zero. The upper end is theirs. The lower end is 0 or the value less
    the 97.5 % quantile of the noise, the absolute changes that drawing again makes to the gaps, added up: by the
    triangle inequality the value is above the truth by no more than that.

    Args:
        probabilities: Floating-point array of shape (n, classes), n at least 1, each row adding up to 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        The error, in 0 .. 1.
    """
    n = len(labels)
    binned = in_bins(probabilities, labels)
    gaps = binned.confidence - binned.right
    found = np.bincount(binned.place, gaps, BINS) / n
    drawn = np.concatenate([_sums(binned.place[rows], gaps[rows]) / n for rows in resampled_rows(n)])
    value = float(np.abs(found).sum())
    high = float(np.quantile(np.abs(drawn).sum(axis=1), 0.975))
    noise = float(np.quantile(np.abs(drawn - found).sum(axis=1), 0.975))
    return Estimate(value, max(value - noise, 0.0), max(high, value))


def _sums(places: NDArray[np.int64], gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up gaps in each bin of each resample: from shape (resamples, n) to (resamples, bins)."""
    apart = places + BINS * np.arange(len(places))[:, np.newaxis]
    sums = np.bincount(apart.ravel(), weights=gaps.ravel(), minlength=BINS * len(places))
    return sums.astype(np.float64).reshape(-1, BINS)
