"""Paired comparison: known cases, and simulations of error rates, coverage and power."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from optotype.errors import DataError
from optotype.metrics.paired import (
    holm_correction,
    images_needed,
    mcnemar_test,
    minimum_detectable_difference,
    paired_difference,
)

P_VALUES = st.lists(st.floats(0, 1), max_size=12)
DISCORDANT = [0.002, 0.01, 0.08, 0.3]
"""Shares of images that only one classifier predicts correctly: from MNIST to photographs."""


@st.composite
def _counts(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 20_000))
    only_a = draw(st.integers(0, n))
    return only_a, draw(st.integers(0, n - only_a)), n


def _draw(n: int, only_a: float, only_b: float, times: int) -> NDArray[np.int64]:
    """Draw counts (only_a, only_b) of simulated comparisons."""
    shares = [only_a, only_b, 1 - only_a - only_b]
    return np.random.default_rng(n).multinomial(n, shares, times)[:, :2]


_cached = cache(mcnemar_test)


def _p_value(only_a: int, only_b: int) -> float:
    return _cached(*sorted((only_a, only_b)))


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_is_a_sign_test(only_a: int, only_b: int) -> None:
    """The p-value is the probability that a fair coin falls at least as unevenly, in either order."""
    expected = min(1.0, 2 * binom.cdf(min(only_a, only_b), only_a + only_b, 0.5))
    assert mcnemar_test(only_a, only_b) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert mcnemar_test(only_b, only_a) == mcnemar_test(only_a, only_b)


def test_mcnemar_known_cases() -> None:
    """6 to 0 is significant at 5 %, 5 to 0 is not, and 0 to 0 gives 1."""
    assert mcnemar_test(0, 6) == pytest.approx(2 / 2**6)
    assert mcnemar_test(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar_test(0, 0) == 1
    assert mcnemar_test(30, 61) == pytest.approx(0.00153, abs=5e-5)


@pytest.mark.parametrize("n", [100, 1000, 10_000])
@pytest.mark.parametrize("discordant", DISCORDANT)
def test_mcnemar_false_positives(n: int, discordant: float) -> None:
    """At most 5 % (plus random error) of 2,000 simulated pairs of equally good classifiers differ significantly."""
    counts = _draw(n, discordant / 2, discordant / 2, 2000)
    false_positives = np.mean([_p_value(a, b) < 0.05 for a, b in counts.tolist()])
    assert false_positives <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


@pytest.mark.parametrize("discordant", DISCORDANT)
@pytest.mark.parametrize("share", [0.5, 0.65, 0.9])
def test_coverage(discordant: float, share: float) -> None:
    """At n = 10,000, 93 to 97 % of 2,000 simulated intervals contain the true difference."""
    assert 0.93 <= _coverage(10_000, discordant, share) <= 0.97


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("discordant", DISCORDANT)
def test_coverage_with_few_images(n: int, discordant: float) -> None:
    """With fewer images, at least 93 % of simulated intervals contain the true difference."""
    assert _coverage(n, discordant, 0.65) >= 0.93


def _coverage(n: int, discordant: float, share: float) -> float:
    """Return the coverage of 2,000 simulations in which B is correct on a share of the discordant images."""
    true_difference = discordant * (2 * share - 1)
    intervals = [
        paired_difference(a, b, n)
        for a, b in _draw(n, discordant * (1 - share), discordant * share, 2000).tolist()
    ]
    return sum(interval.low <= true_difference <= interval.high for interval in intervals) / len(intervals)


@given(_counts())
def test_interval_symmetry(counts: tuple[int, int, int]) -> None:
    """The interval contains the difference, is in -1 .. 1, and changes its sign with the order."""
    only_a, only_b, n = counts
    difference = paired_difference(only_a, only_b, n)
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    reverse = paired_difference(only_b, only_a, n)
    assert (reverse.low, reverse.value, reverse.high) == pytest.approx(
        (-difference.high, -difference.value, -difference.low)
    )


def test_interval_known_case() -> None:
    """61 to 30 of 10,000 images is a difference of +0.31 points [0.12, 0.50]."""
    difference = paired_difference(30, 61, 10_000)
    assert [round(100 * value, 2) for value in (difference.value, difference.low, difference.high)] == [
        0.31,
        0.12,
        0.5,
    ]


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([800, 1000, 10_000]))
def test_interval_agrees_with_mcnemar(only_a: int, only_b: int, n: int) -> None:
    """If McNemar's test is significant at 5 %, the interval does not contain 0."""
    difference = paired_difference(only_a, only_b, n)
    assert mcnemar_test(only_a, only_b) >= 0.05 or difference.low > 0 or difference.high < 0


def test_holm_published_cases() -> None:
    """Corrected p-values equal those of R's p.adjust, for an example of its package HDLSSkST."""
    p_values = [0.50, 0.01, 0.001, 0.69, 0.02, 0.05, 0.0025]
    adjusted = holm_correction(p_values)
    assert [p < 0.05 for p in adjusted] == [False, False, True, False, False, False, True]
    assert adjusted == pytest.approx([1, 0.05, 0.007, 1, 0.08, 0.15, 0.015])
    assert holm_correction([0.042, 0.001, 0.031, 0.014, 0.007]) == pytest.approx(
        [0.062, 0.005, 0.062, 0.042, 0.028]
    )


@given(P_VALUES)
def test_holm_order(p_values: list[float]) -> None:
    """No p-value decreases or exceeds 1, the smallest is multiplied by their number, and the order is kept."""
    adjusted = holm_correction(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [adjusted[index] for index in order] == sorted(adjusted)
    if p_values:
        assert min(adjusted) == pytest.approx(min(1, len(p_values) * min(p_values)))


def test_holm_false_positives() -> None:
    """At most 5 % of 2,000 simulated comparisons of four equally good classifiers have a significant pair."""
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(2000):
        correct = random.random((4, 400)) < 0.8
        pairs = [(correct[a] & ~correct[b], correct[b] & ~correct[a]) for a in range(4) for b in range(a)]
        wrong += (
            min(holm_correction([_p_value(int(only_a.sum()), int(only_b.sum())) for only_a, only_b in pairs]))
            < 0.05
        )
    assert wrong / 2000 <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_images_needed_published_cases() -> None:
    """Connor's equation gives 23 pairs for 0.45 against 0.05, and 155 for 0.30 against 0.15."""
    assert images_needed(45, 5, 100) == 23
    assert images_needed(30, 15, 100) == 155


@given(_counts(), st.integers(1, 50))
def test_more_images_needed_if_not_significant(counts: tuple[int, int, int], pairs: int) -> None:
    """If the test is not significant, more images are needed than there are; without a difference, None."""
    only_a, only_b, n = counts
    needed = images_needed(only_a, only_b, n, 0.05 / pairs)
    if only_a == only_b:
        assert needed is None
    elif mcnemar_test(only_a, only_b) > 0.05 / pairs:
        assert needed is not None
        assert needed > n


def test_power_with_images_needed() -> None:
    """With the number of images needed, about 80 % of 2,000 simulated comparisons are significant."""
    needed = images_needed(130, 160, 10_000)
    assert needed is not None
    power = np.mean([_p_value(a, b) < 0.05 for a, b in _draw(needed, 0.013, 0.016, 2000).tolist()])
    assert 0.76 <= power <= 0.84


@given(_counts())
def test_minimum_detectable_difference(counts: tuple[int, int, int]) -> None:
    """The minimum detectable difference needs about as many images as were counted."""
    only_a, only_b, n = counts
    smallest = minimum_detectable_difference(only_a, only_b, n)
    assert (smallest > 0) == (only_a + only_b > 0)
    if 100 <= only_a + only_b <= n / 10:
        larger = round((only_a + only_b + smallest * n) / 2)
        smaller = only_a + only_b - larger
        # The counts are rounded, and the number of images grows with the inverse square of the difference.
        expected = n * (smallest * n / (larger - smaller)) ** 2
        assert images_needed(smaller, larger, n) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("counts", [(-1, 2, 10), (2, -1, 10), (6, 5, 10), (0, 0, 0)])
def test_invalid_counts(counts: tuple[int, int, int]) -> None:
    """Negative counts, or counts above the number of images, raise a DataError."""
    for function in (paired_difference, images_needed, minimum_detectable_difference):
        with pytest.raises(DataError, match=f"Of {counts[2]} images"):
            function(*counts)
    with pytest.raises(DataError):
        mcnemar_test(-1, 5)
