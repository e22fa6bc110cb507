"""How far a share of correct answers can be trusted, and the difference of two."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from optotype.errors import DataError


@dataclass(frozen=True)
class Estimate:
    """A measured number, and the interval that holds the true one with 95 % confidence.

    Attributes:
        value: What was measured.
        low: The interval's lower end.
        high: Its upper end.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def proportion(correct: int, n: int) -> Estimate:
    """Give a share with its interval; arguments, source and errors as for ``wilson_interval``."""
    low, high = wilson_interval(correct, n)
    return Estimate(correct / n, low, high)


def wilson_interval(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Give the score interval of a proportion, without continuity correction.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22 (1927), 209-212. Unlike the plain p +- z sqrt(p (1 - p) / n) it holds its
    level near 0 and 1, where good classifiers live (Brown, Cai, DasGupta: Interval Estimation for a Binomial
    Proportion, Statistical Science 16 (2001), 101-133).

    Args:
        correct: Number of successes, 0 to n.
        n: Number of trials, at least 1.
        level: Confidence level, between 0 and 1.

    Returns:
        Lower and upper end, 0 <= low <= correct / n <= high <= 1.

    Raises:
        DataError: There is no trial, the successes are not among 0 to n, or the level is not between 0 and 1.
    """
    if n < 1 or not 0 <= correct <= n:
        raise DataError(
            f"There is no interval for {correct} correct of {n}, expected at least one trial and 0 to {max(n, 1)}"
            " correct. Count over at least one image."
        )
    if not 0 < level < 1:
        raise DataError(
            f"The confidence level is {level}, expected a number between 0 and 1. Give 0.95 for 95 %."
        )
    share = correct / n
    z = NormalDist().inv_cdf((1 + level) / 2)
    weight = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The ends at none and all correct are exactly 0 and 1; rounding must not move them, nor cross the share.
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)


def unpaired_difference(first: Estimate, second: Estimate) -> Estimate:
    """Give the difference of two shares that were counted apart, the first's less the second's, with its interval.

    Source: R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven
    methods, Statistics in Medicine 17 (1998), 873-890: method 10, from the Wilson intervals of both. Those may overlap
    though the difference is certain. For shares of the same images it is too wide if anything: what is hard for one
    classifier is mostly hard for the other.

    Args:
        first: A share with its Wilson interval.
        second: Another.

    Returns:
        The difference, in -1 .. 1.
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, value - below, value + above)
