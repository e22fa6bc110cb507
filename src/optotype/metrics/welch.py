"""Welch's test: the difference of two samples' means, with an interval that allows different variances."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from optotype.errors import DataError


@dataclass(frozen=True)
class MeanDifference:
    """A difference of means with its two-sided confidence interval, in the samples' unit.

    Attributes:
        mean: The difference.
        low: Lower end of the interval.
        high: Upper end of the interval.
        p: Two-sided p-value of Welch's test that the means are equal, in 0 .. 1.
    """

    mean: float
    low: float
    high: float
    p: float


def mean_difference(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> MeanDifference:
    """Compute the difference of two samples' means, first - second, with its interval.

    Source: B. L. Welch, The generalization of "Student's" problem when several different population variances are
    involved, Biometrika 34 (1947), 28-35, with the degrees of freedom of Satterthwaite (1946).

    SciPy's ``ttest_ind(equal_var=False)`` gives the same numbers, but warns of precision loss if a sample is constant,
    as accuracies over seeds may be. Only its t distribution is used here.

    Args:
        first: At least two numbers.
        second: At least two numbers.
        level: Confidence level, between 0 and 1.

    Returns:
        The difference; if neither sample varies, the interval has no width.

    Raises:
        DataError: If a sample has fewer than two numbers.
    """
    from scipy.stats import t  # noqa: PLC0415 - half a second to import, which only comparisons need

    if min(len(first), len(second)) < 2:
        raise DataError(
            f"The samples have {len(first)} and {len(second)} numbers, expected at least 2 each. Train more seeds."
        )
    mean = fmean(first) - fmean(second)
    squared_errors = variance(first) / len(first), variance(second) / len(second)
    if sum(squared_errors) == 0:
        return MeanDifference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    degrees_of_freedom = sum(squared_errors) ** 2 / (
        squared_errors[0] ** 2 / (len(first) - 1) + squared_errors[1] ** 2 / (len(second) - 1)
    )
    standard_error = math.sqrt(sum(squared_errors))
    half_width = float(t.ppf((1 + level) / 2, degrees_of_freedom)) * standard_error
    p = float(2 * t.sf(abs(mean) / standard_error, degrees_of_freedom))
    return MeanDifference(mean, mean - half_width, mean + half_width, p)
