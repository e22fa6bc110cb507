"""Bootstrap intervals: the distribution of a score over images that are drawn again with replacement.

Percentile intervals at 95 % from 1,000 resamples. The seed is fixed, so that two judgements of a model are equal.
Sources: B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979), 1-26;
B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

The interval of a single image has no width and carries no information, because every resample is equal.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.intervals import Estimate

RESAMPLES: Final = 1_000
SEED: Final = 0
CHUNK: Final = 1 << 20
"""Count of numbers that are drawn at a time, so that memory does not grow with the number of resamples."""


def mean_estimate(values: NDArray[np.floating]) -> Estimate:
    """Return a mean over images with its interval.

    Args:
        values: One value per image, shape (n,), n at least 1.
    """
    means = np.concatenate([values[rows].mean(axis=1) for rows in resampled_rows(len(values))])
    return percentile_estimate(float(values.mean()), means)


def resampled_rows(n: int) -> Iterator[NDArray[np.uint32]]:
    """Draw n of n images with replacement, 1,000 times.

    Yields:
        Arrays of shape (resamples, n): each row has the indices of a resample.
    """
    rng = np.random.default_rng(SEED)
    for resamples in _chunk_sizes(n):
        yield rng.integers(n, size=(resamples, n), dtype=np.uint32)


def resampled_counts(counts: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
    """Draw images with replacement, 1,000 times, and count them by kind.

    The counts of n images drawn with replacement have a multinomial distribution, so they are drawn from it directly.

    Args:
        counts: Number of images of each kind, shape (kinds,), at least one in total.

    Yields:
        int64 arrays of shape (resamples, kinds); each row adds up to the number of images.
    """
    rng = np.random.default_rng(SEED)
    n = int(counts.sum())
    for resamples in _chunk_sizes(len(counts)):
        yield rng.multinomial(n, counts / n, size=resamples)


def percentile_estimate(value: float, resampled: NDArray[np.float64]) -> Estimate:
    """Return a value with the interval that contains the middle 95 % of its resampled values.

    Args:
        value: The value; the interval is widened to contain it if necessary.
        resampled: Value of each resample, shape (resamples,).
    """
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Estimate(value, min(float(low), value), max(float(high), value))


def _chunk_sizes(numbers: int) -> Iterator[int]:
    """Divide the resamples into chunks that fit into memory, for resamples of a count of numbers each."""
    max_resamples = max(1, CHUNK // numbers)
    for start in range(0, RESAMPLES, max_resamples):
        yield min(max_resamples, RESAMPLES - start)
