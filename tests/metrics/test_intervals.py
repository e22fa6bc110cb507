"""Intervals of a proportion, against SciPy's."""

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
    """The interval is that of SciPy's binomtest at every count and level."""
    correct, n = counts
    theirs = binomtest(correct, n).proportion_ci(level, method="wilson")
    assert wilson_interval(correct, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12, rel=1e-9)


@given(_counts())
def test_wilson_holds_the_share(counts: tuple[int, int]) -> None:
    """The share itself lies in its interval, and the interval within 0 and 1."""
    correct, n = counts
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n <= high <= 1


@given(_counts())
def test_wilson_mirrors(counts: tuple[int, int]) -> None:
    """The interval of the errors is the mirror image of that of the correct answers."""
    correct, n = counts
    low, high = wilson_interval(correct, n)
    assert wilson_interval(n - correct, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_ends_are_exact() -> None:
    """None correct starts at exactly 0, all correct end at exactly 1."""
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(10, 10)[1] == 1


def test_wilson_of_a_known_case() -> None:
    """9,874 of 10,000 give [0.9850, 0.9894], as the documentation shows."""
    low, high = wilson_interval(9874, 10_000)
    assert (f"{low:.4f}", f"{high:.4f}") == ("0.9850", "0.9894")


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -1)])
def test_wilson_refuses_impossible_counts(correct: int, n: int) -> None:
    """No trial, or more successes than trials, is refused with the counts in the sentence."""
    with pytest.raises(DataError, match=f"{correct} correct of {n}"):
        wilson_interval(correct, n)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, float("nan")])
def test_wilson_refuses_impossible_levels(level: float) -> None:
    """A confidence level that is not strictly between 0 and 1 is refused."""
    with pytest.raises(DataError, match="confidence level"):
        wilson_interval(5, 10, level)


def test_a_difference_of_known_cases() -> None:
    """Cases of Newcombe's table II: 56 of 70 less 48 of 80 is 0.2 [0.0524, 0.3339]."""
    for (one, of_one, other, of_other), known in (
        ((56, 70, 48, 80), (0.2, 0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.6, 0.1705, 0.8090)),
        ((10, 10, 0, 20), (1, 0.6791, 1)),
    ):
        found = unpaired_difference(proportion(one, of_one), proportion(other, of_other))
        assert (found.value, found.low, found.high) == pytest.approx(known, abs=5e-5)


@given(_counts(), _counts())
def test_a_difference_turns_round(one: tuple[int, int], other: tuple[int, int]) -> None:
    """The difference lies in its interval, within -1 and 1, and changes its sign with the order."""
    found = unpaired_difference(proportion(*one), proportion(*other))
    back = unpaired_difference(proportion(*other), proportion(*one))
    assert -1 - 1e-9 <= found.low <= found.value <= found.high <= 1 + 1e-9
    assert (-back.low, -back.high) == pytest.approx((found.high, found.low))
