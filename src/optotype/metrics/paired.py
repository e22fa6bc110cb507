"""Paired comparison: two classifiers on the same images, their difference, and the number of images that shows it.

Images that both classify correctly, or both wrongly, carry no information about which classifier is better. Only the
images on which exactly one is correct count.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

from optotype.errors import DataError
from optotype.metrics.intervals import Estimate

_NORMAL: Final = NormalDist()
_Z_POWER: Final = _NORMAL.inv_cdf(0.8)


def mcnemar_test(only_a: int, only_b: int) -> float:
    """Test whether two classifiers are equally good on the same images.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12 (1947), 153-157; exact, as a sign test: if the classifiers were equally good, each image that only
    one classifies correctly would be the first's or the second's with probability 1/2.

    Args:
        only_a: Number of images that only the first classifies correctly.
        only_b: Number of images that only the second classifies correctly.

    Returns:
        The two-sided p-value, in 0 .. 1; 1 if there are no such images.

    Raises:
        DataError: If a number is negative.
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - half a second to import, which only comparisons need

    _check_counts(only_a, only_b, max(only_a + only_b, 1))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def paired_difference(only_a: int, only_b: int, n: int, level: float = 0.95) -> Estimate:
    """Compute the difference of two accuracies on the same images, second - first, with its interval.

    Source: D. G. Bonett and R. M. Price, Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data, Journal of Educational and Behavioral Statistics 37 (2012), 479-488: Wald's interval with
    one more image counted on each side.

    Args:
        only_a: Number of images that only the first classifies correctly.
        only_b: Number of images that only the second classifies correctly.
        n: Number of all images, at least 1.
        level: Confidence level, between 0 and 1.

    Returns:
        The difference of accuracies, in -1 .. 1.

    Raises:
        DataError: If there is no image, a number is negative, or together they are more than ``n``.
    """
    _check_counts(only_a, only_b, n)
    value = (only_b - only_a) / n
    center = (only_b - only_a) / (n + 2)
    standard_error = math.sqrt(((only_a + only_b + 2) / (n + 2) - center * center) / (n + 2))
    half_width = _NORMAL.inv_cdf((1 + level) / 2) * standard_error
    # With very few images the interval could exclude the difference itself, or exceed -1 or 1.
    low = max(min(center - half_width, value), -1.0)
    return Estimate(value, low, min(max(center + half_width, value), 1.0))


def holm_correction(p_values: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values for their number: at the 5 % level, 95 % of families of tests reject no true hypothesis.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6
    (1979), 65-70. It makes no assumption on the dependence of the tests.

    Args:
        p_values: One p-value per test, in 0 .. 1.

    Returns:
        The corrected p-values in the same order, each at least as large as before.
    """
    ascending = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [1.0] * len(p_values)
    maximum = 0.0
    for rank, index in enumerate(ascending):
        maximum = max(maximum, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = maximum
    return tuple(corrected)


def images_needed(only_a: int, only_b: int, n: int, alpha: float = 0.05) -> int | None:
    """Estimate the number of images that would show a difference as large as the measured one.

    Source: R. J. Connor, Sample size for testing differences in proportions for the paired-sample design, Biometrics 43
    (1987), 207-211; for a power of 80 %. The measured difference is taken as the true one, so the number is rough.

    Args:
        only_a: Number of images that only the first classifies correctly.
        only_b: Number of images that only the second classifies correctly.
        n: Number of all images, at least 1.
        alpha: Level of the two-sided test.

    Returns:
        A number of images; None if the measured difference is 0, which no number of images would show.

    Raises:
        DataError: As for ``paired_difference``.
    """
    _check_counts(only_a, only_b, n)
    if only_a == only_b:
        return None
    discordant, difference = (only_a + only_b) / n, (only_b - only_a) / n
    deviation = math.sqrt(max(discordant - difference * difference, 0.0))
    noise = _normal_quantile(alpha) * math.sqrt(discordant) + _Z_POWER * deviation
    # With fewer discordant images than this, the exact test would not reject even if all favoured one classifier.
    min_discordant = math.log2(2 / alpha)
    return math.ceil(max((noise / difference) ** 2, min_discordant / discordant))


def minimum_detectable_difference(only_a: int, only_b: int, n: int, alpha: float = 0.05) -> float:
    """Estimate the smallest difference of accuracies that is detected with a power of 80 %: ``images_needed`` reversed.

    Args:
        only_a: Number of images that only the first classifies correctly.
        only_b: Number of images that only the second classifies correctly.
        n: Number of all images, at least 1.
        alpha: Level of the two-sided test.

    Returns:
        A difference of accuracies, for the measured number of discordant images; 0 if there are none.

    Raises:
        DataError: As for ``paired_difference``.
    """
    _check_counts(only_a, only_b, n)
    return (_normal_quantile(alpha) + _Z_POWER) * math.sqrt((only_a + only_b) / n / n)


def _normal_quantile(alpha: float) -> float:
    return _NORMAL.inv_cdf(1 - alpha / 2)


def _check_counts(only_a: int, only_b: int, n: int) -> None:
    if n < 1 or min(only_a, only_b) < 0 or only_a + only_b > n:
        raise DataError(
            f"Of {n} images, {only_a} are correct only for the first classifier and {only_b} only for the second,"
            " expected at least one image, and counts of 0 or more that add up to at most the number of images."
            " Count over the same images."
        )
