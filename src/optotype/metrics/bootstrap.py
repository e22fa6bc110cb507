"""Bootstrap intervals: what a number would have been on other images of the same kind, by drawing its own ones again.

Percentile intervals at 95 % from 1,000 resamples, which are the same every time, so that two judgements of one model
are equal. Sources: B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979), 1-26;
B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

An interval of one image is a point, which says nothing: there is nothing else to draw.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.intervals import Estimate

RESAMPLES: Final = 1_000
SEED: Final = 0
_AT_ONCE: Final = 1 << 20
"""Numbers that are drawn at a time: memory does not grow with the resamples."""


def mean_estimate(values: NDArray[np.floating]) -> Estimate:
    """Give a mean over images with its interval.

    Args:
        values: One an image, shape (n,), n at least 1.
    """
    drawn = np.concatenate([values[rows].mean(axis=1) for rows in resampled_rows(len(values))])
    return percentile_estimate(float(values.mean()), drawn)


def resampled_rows(n: int) -> Iterator[NDArray[np.uint32]]:
    """Draw n of n images with replacement, 1,000 times.

    Yields:
        Arrays of shape (some, n): in each row the indices of a resample.
    """
    rng = np.random.default_rng(SEED)
    for some in _portions(n):
        yield rng.integers(n, size=(some, n), dtype=np.uint32)


def resampled_counts(counts: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
    """Draw images again, 1,000 times, where it only matters how many there are of each kind.

    The counts of n images drawn with replacement have a multinomial distribution, so they are drawn from it at once.

    Args:
        counts: Images of each kind, shape (kinds,), at least one in all.

    Yields:
        int64 arrays of shape (some, kinds); each row adds up to the number of images.
    """
    rng = np.random.default_rng(SEED)
    n = int(counts.sum())
    for some in _portions(len(counts)):
        yield rng.multinomial(n, counts / n, size=some)


def percentile_estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """Give a number with the interval that holds the middle 95 % of what resamples gave.

    Args:
        value: The number itself; the interval is widened to hold it where it would not.
        drawn: What each resample gave, shape (resamples,).
    """
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value, min(float(low), value), max(float(high), value))


def _portions(size: int) -> Iterator[int]:
    """Divide the resamples into portions that fit into memory, each resample having a size."""
    most = max(1, _AT_ONCE // size)
    for start in range(0, RESAMPLES, most):
        yield min(most, RESAMPLES - start)
