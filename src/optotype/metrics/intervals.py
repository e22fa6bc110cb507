"""Confidence intervals of proportions, and of the difference of two independent proportions."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from optotype.errors import DataError


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % confidence interval.

    Attributes:
        value: The measured value.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def proportion(correct: int, n: int) -> Estimate:
    """Return a proportion with its interval; arguments, source and errors as for ``wilson_interval``."""
    low, high = wilson_interval(correct, n)
    return Estimate(correct / n, low, high)


def wilson_interval(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's score interval of a proportion, without continuity correction.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22 (1927), 209-212. Unlike Wald's interval, p +- z sqrt(p (1 - p) / n), it
    keeps its confidence level near 0 and 1, the range of good classifiers (Brown, Cai, DasGupta: Interval Estimation
    for a Binomial Proportion, Statistical Science 16 (2001), 101-133).

    SciPy's ``binomtest(correct, n).proportion_ci(level, "wilson")`` gives the same numbers; importing it here would
    slow down the end of every training.

    Args:
        correct: Number of successes, 0 to n.
        n: Number of trials, at least 1.
        level: Confidence level, between 0 and 1.

    Returns:
        Lower and upper end, 0 <= low <= correct / n <= high <= 1.

    Raises:
        DataError: If there is no trial, the successes are not in 0 to n, or the level is not between 0 and 1.
    """
    if n < 1 or not 0 <= correct <= n:
        raise DataError(
            f"The counts are {correct} correct of {n}, expected at least one trial and 0 to {max(n, 1)} correct."
            " Count at least one image."
        )
    if not 0 < level < 1:
        raise DataError(
            f"The confidence level is {level}, expected a number between 0 and 1. Use 0.95 for 95 %."
        )
    share = correct / n
    z = NormalDist().inv_cdf((1 + level) / 2)
    weight = 1 + z * z / n
    center = (share + z * z / (2 * n)) / weight
    half_width = z / weight * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # With 0 or n correct an end is exactly 0 or 1. Rounding must not move it, nor exclude the share itself.
    return min(max(center - half_width, 0.0), share), max(min(center + half_width, 1.0), share)


def unpaired_difference(first: Estimate, second: Estimate) -> Estimate:
    """Return the difference of two independent proportions, first - second, with its interval.

    Source: R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven
    methods, Statistics in Medicine 17 (1998), 873-890: method 10, from the Wilson intervals of both. The two intervals
    may overlap although the difference is significant. For proportions of the same images the interval is rather too
    wide: images that are hard for one classifier are mostly hard for the other.

    Args:
        first: A proportion with its Wilson interval.
        second: Another.

    Returns:
        The difference, in -1 .. 1.
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, value - below, value + above)
