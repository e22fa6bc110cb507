"""How far two samples' means lie apart, with an interval that allows them different variances."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from optotype.errors import DataError


@dataclass(frozen=True)
class Difference:
    """A difference of means and its two-sided confidence interval, in the samples' unit.

    Attributes:
        mean: The difference.
        low: The interval's lower end.
        high: Its upper end.
        p: Of Welch's two-sided test that there is none, in 0 .. 1.
    """

    mean: float
    low: float
    high: float
    p: float


def difference(ours: Sequence[float], theirs: Sequence[float], level: float = 0.95) -> Difference:
    """Give the difference of two samples' means, ours minus theirs, with its interval.

    Source: B. L. Welch, The generalization of "Student's" problem when several different population variances are
    involved, Biometrika 34 (1947), 28-35, with the degrees of freedom of Satterthwaite (1946).

    Args:
        ours: At least two numbers.
        theirs: At least two numbers.
        level: Confidence level, between 0 and 1.

    Returns:
        The difference; where neither sample varies, the interval is that one point.

    Raises:
        DataError: A sample has fewer than two numbers.
    """
    from scipy.stats import t  # noqa: PLC0415 - half a second to load, only for those who compare

    if min(len(ours), len(theirs)) < 2:
        raise DataError(
            f"Samples of {len(ours)} and {len(theirs)} were given, expected at least 2 each. Train more seeds."
        )
    mean = fmean(ours) - fmean(theirs)
    one, other = variance(ours) / len(ours), variance(theirs) / len(theirs)
    if one + other == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    freedom = (one + other) ** 2 / (one**2 / (len(ours) - 1) + other**2 / (len(theirs) - 1))
    error = math.sqrt(one + other)
    half = float(t.ppf((1 + level) / 2, freedom)) * error
    return Difference(mean, mean - half, mean + half, float(2 * t.sf(abs(mean) / error, freedom)))
