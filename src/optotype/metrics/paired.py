"""Two classifiers on the same images: whether one is better, by how much, and how many images it takes to tell.

Images that both get right, or both wrong, do not say which is better: all rests on those that only one gets right.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

from optotype.errors import DataError
from optotype.metrics.intervals import Estimate

_NORMAL: Final = NormalDist()
_Z_POWER: Final = _NORMAL.inv_cdf(0.8)


def mcnemar(only_a: int, only_b: int) -> float:
    """Test whether two classifiers that were given the same images are equally good.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12 (1947), 153-157; exact, as a sign test: were they equally good, each image that only one of them
    gets right would be either's with probability 1/2.

    Args:
        only_a: Images that only the first classifies right.
        only_b: Images that only the second classifies right.

    Returns:
        The two-sided p-value, in 0 .. 1; 1 where there are no such images.

    Raises:
        DataError: A number is negative.
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - half a second to load, only for those who compare

    _check(only_a, only_b, max(only_a + only_b, 1))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def paired_difference(only_a: int, only_b: int, n: int, level: float = 0.95) -> Estimate:
    """Give the difference of two accuracies on the same images, the second's minus the first's, with its interval.

    Source: D. G. Bonett and R. M. Price, Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data, Journal of Educational and Behavioral Statistics 37 (2012), 479-488: Wald's interval after
    one image more was counted on each side.

    Args:
        only_a: Images that only the first classifies right.
        only_b: Images that only the second classifies right.
        n: All images, at least 1.
        level: Confidence level, between 0 and 1.

    Returns:
        The difference as a share, in -1 .. 1.

    Raises:
        DataError: There is no image, a number is negative, or together they are more than ``n``.
    """
    _check(only_a, only_b, n)
    value = (only_b - only_a) / n
    middle = (only_b - only_a) / (n + 2)
    spread = math.sqrt(((only_a + only_b + 2) / (n + 2) - middle * middle) / (n + 2))
    half = _NORMAL.inv_cdf((1 + level) / 2) * spread
    # With very few images the interval could end before the difference itself, or beyond what a difference can be.
    return Estimate(value, max(min(middle - half, value), -1.0), min(max(middle + half, value), 1.0))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values for their number: at the 5 % level, 95 % of families reject no true hypothesis.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6
    (1979), 65-70. It asks nothing of how the tests depend on each other.

    Args:
        p_values: One for each test, in 0 .. 1.

    Returns:
        As many, in the same order, each at least what it was.
    """
    rising = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for done, place in enumerate(rising):
        highest = max(highest, min(1.0, (len(p_values) - done) * p_values[place]))
        adjusted[place] = highest
    return tuple(adjusted)


def images_needed(only_a: int, only_b: int, n: int, alpha: float = 0.05) -> int | None:
    """Say how many images it would take to see a difference as large as the one that was measured.

    Source: R. J. Connor, Sample size for testing differences in proportions for the paired-sample design, Biometrics 43
    (1987), 207-211; for a power of 80 %. It takes what was measured for the truth, so it is a rough number.

    Args:
        only_a: Images that only the first classifies right.
        only_b: Images that only the second classifies right.
        n: All images, at least 1.
        alpha: Level of the two-sided test.

    Returns:
        A number of images; None where no difference was measured, which no number of images would show.

    Raises:
        DataError: As for ``paired_difference``.
    """
    _check(only_a, only_b, n)
    if only_a == only_b:
        return None
    apart, difference = (only_a + only_b) / n, (only_b - only_a) / n
    noise = _z(alpha) * math.sqrt(apart) + _Z_POWER * math.sqrt(max(apart - difference * difference, 0.0))
    # Even if they all fell on one side, the exact test would see nothing in fewer than these that tell the two apart.
    fewest = math.log2(2 / alpha)
    return math.ceil(max((noise / difference) ** 2, fewest / apart))


def smallest_difference(only_a: int, only_b: int, n: int, alpha: float = 0.05) -> float:
    """Say which difference of accuracies would have been seen with a power of 80 %, about: ``images_needed`` reversed.

    Args:
        only_a: Images that only the first classifies right.
        only_b: Images that only the second classifies right.
        n: All images, at least 1.
        alpha: Level of the two-sided test.

    Returns:
        A share, for as many images on which only one is right as were found; 0 where there are none.

    Raises:
        DataError: As for ``paired_difference``.
    """
    _check(only_a, only_b, n)
    return (_z(alpha) + _Z_POWER) * math.sqrt((only_a + only_b) / n / n)


def _z(alpha: float) -> float:
    return _NORMAL.inv_cdf(1 - alpha / 2)


def _check(only_a: int, only_b: int, n: int) -> None:
    if n < 1 or min(only_a, only_b) < 0 or only_a + only_b > n:
        raise DataError(
            f"Of {n} images only the first is said to get {only_a} right, and only the second {only_b}, expected at"
            " least one image, and counts of 0 or more that are no more than all. Count over the same images."
        )
