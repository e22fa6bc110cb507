"""Intervals of proportions and of their differences, compared with SciPy and published cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from optotype.errors import DataError
from optotype.metrics import proportion, wilson_interval
from optotype.metrics.intervals import unpaired_difference


@st.composite
def _counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 100_000))
    return draw(st.integers(0, n)), n


@given(_counts(), st.floats(0.01, 0.999))
def test_wilson_agrees_with_scipy(counts: tuple[int, int], level: float) -> None:
    """The interval equals that of SciPy's binomtest for every count and level."""
    correct, n = counts
    expected = binomtest(correct, n).proportion_ci(level, method="wilson")
    assert wilson_interval(correct, n, level) == pytest.approx(
        (expected.low, expected.high), abs=1e-12, rel=1e-9
    )


@given(_counts())
def test_wilson_contains_the_proportion(counts: tuple[int, int]) -> None:
    """The interval contains the proportion and is in 0 .. 1."""
    correct, n = counts
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n <= high <= 1


@given(_counts())
def test_wilson_symmetry(counts: tuple[int, int]) -> None:
    """The interval of the errors is 1 - the interval of the correct answers."""
    correct, n = counts
    low, high = wilson_interval(correct, n)
    assert wilson_interval(n - correct, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_ends_are_exact() -> None:
    """The interval of 0 correct starts at exactly 0, and that of all correct ends at exactly 1."""
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(10, 10)[1] == 1


def test_wilson_known_case() -> None:
    """9,874 of 10,000 have the interval [0.9850, 0.9894], as in the documentation."""
    low, high = wilson_interval(9874, 10_000)
    assert (f"{low:.4f}", f"{high:.4f}") == ("0.9850", "0.9894")


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -1)])
def test_wilson_invalid_counts(correct: int, n: int) -> None:
    """No trial, or more successes than trials, raises a DataError that names the counts."""
    with pytest.raises(DataError, match=f"{correct} correct of {n}"):
        wilson_interval(correct, n)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, float("nan")])
def test_wilson_invalid_levels(level: float) -> None:
    """A confidence level that is not between 0 and 1 raises a DataError."""
    with pytest.raises(DataError, match="confidence level"):
        wilson_interval(5, 10, level)


def test_difference_known_cases() -> None:
    """Cases of Newcombe's table II: 56 of 70 minus 48 of 80 is 0.2 [0.0524, 0.3339]."""
    for (first, n_first, second, n_second), expected in (
        ((56, 70, 48, 80), (0.2, 0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.6, 0.1705, 0.8090)),
        ((10, 10, 0, 20), (1, 0.6791, 1)),
    ):
        difference = unpaired_difference(proportion(first, n_first), proportion(second, n_second))
        assert (difference.value, difference.low, difference.high) == pytest.approx(expected, abs=5e-5)


@given(_counts(), _counts())
def test_difference_symmetry(first: tuple[int, int], second: tuple[int, int]) -> None:
    """The interval contains the difference, is in -1 .. 1, and changes its sign with the order."""
    difference = unpaired_difference(proportion(*first), proportion(*second))
    reverse = unpaired_difference(proportion(*second), proportion(*first))
    assert -1 - 1e-9 <= difference.low <= difference.value <= difference.high <= 1 + 1e-9
    assert (-reverse.low, -reverse.high) == pytest.approx((difference.high, difference.low))
