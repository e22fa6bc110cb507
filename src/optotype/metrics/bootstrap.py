"""Bootstrap intervals: what a number would have been on other images of the same kind, by drawing its own ones again.

Percentile intervals at 95 % from 1,000 resamples, which are the same every time, so that two judgements of one model
are equal. Sources: B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979), 1-26;
B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.intervals import Estimate

RESAMPLES: Final = 1_000
SEED: Final = 0
_AT_ONCE: Final = 1 << 20
"""Numbers that are drawn at a time: memory does not grow with the images."""


def interval_of(samples: NDArray[np.generic], statistic: Callable[..., NDArray[np.float64]]) -> Estimate:
    """Give a number with its interval, drawing images again.

    Args:
        samples: What is known of each image, shape (n,), n at least 1.
        statistic: Called with such an array of any number of axes, and ``axis=-1``, along which the images lie.

    Returns:
        The statistic of ``samples``. Where there is one image there is nothing to draw, and the interval is a point,
        which says nothing.
    """
    value = float(statistic(samples, axis=-1))
    if len(samples) == 1:
        return Estimate(value, value, value)
    from scipy.stats import bootstrap  # noqa: PLC0415 - loaded only to judge

    drawn = bootstrap(
        (samples,),
        statistic,
        n_resamples=RESAMPLES,
        batch=max(1, _AT_ONCE // len(samples)),
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).bootstrap_distribution
    return percentile_interval(value, drawn)


def resampled_counts(counts: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
    """Draw images again where it only matters how many there are of each kind.

    The counts of n images drawn with replacement have a multinomial distribution, so they are drawn from it at once.

    Args:
        counts: Images of each kind, shape (kinds,), at least one in all.

    Yields:
        int64 arrays of shape (some, kinds), 1,000 rows in all; each row adds up to the number of images.
    """
    rng = np.random.default_rng(SEED)
    n = int(counts.sum())
    some = max(1, _AT_ONCE // len(counts))
    for start in range(0, RESAMPLES, some):
        yield rng.multinomial(n, counts / n, size=min(some, RESAMPLES - start))


def percentile_interval(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """Give a number with the interval that holds the middle 95 % of what resamples gave.

    Args:
        value: The number itself; the interval is widened to hold it where it would not.
        drawn: What each resample gave, shape (resamples,).
    """
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value, min(float(low), value), max(float(high), value))
