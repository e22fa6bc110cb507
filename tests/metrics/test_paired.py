"""Two classifiers on the same images; the simulations show that the statistics keep what they promise."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from optotype.errors import DataError
from optotype.metrics.paired import (
    holm,
    images_needed,
    mcnemar_test,
    paired_difference,
    minimum_detectable_difference,
)

P_VALUES = st.lists(st.floats(0, 1), max_size=12)
APART = [0.002, 0.01, 0.08, 0.3]
"""Shares of images that only one of two classifiers gets right: good nets on MNIST to poor ones on photographs."""


@st.composite
def _counts(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 20_000))
    only_a = draw(st.integers(0, n))
    return only_a, draw(st.integers(0, n - only_a)), n


def _drawn(n: int, only_a: float, only_b: float, times: int) -> NDArray[np.int64]:
    """Draw counts (only_a, only_b) of simulated comparisons."""
    shares = [only_a, only_b, 1 - only_a - only_b]
    return np.random.default_rng(n).multinomial(n, shares, times)[:, :2]


_cached = cache(mcnemar)


def _p_value(only_a: int, only_b: int) -> float:
    return _cached(*sorted((only_a, only_b)))


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemars_test_is_a_sign_test(only_a: int, only_b: int) -> None:
    """The p-value is the chance that a fair coin falls at least as unevenly, whichever side is which."""
    fair = min(1.0, 2 * binom.cdf(min(only_a, only_b), only_a + only_b, 0.5))
    assert mcnemar_test(only_a, only_b) == pytest.approx(fair, rel=1e-6, abs=1e-12)
    assert mcnemar_test(only_b, only_a) == mcnemar_test(only_a, only_b)


def test_mcnemar_of_known_cases() -> None:
    """Six to none is the least that is seen at 5 %; five to none is not; nothing gives 1."""
    assert mcnemar_test(0, 6) == pytest.approx(2 / 2**6)
    assert mcnemar_test(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar_test(0, 0) == 1
    assert mcnemar_test(30, 61) == pytest.approx(0.00153, abs=5e-5)


@pytest.mark.parametrize("n", [100, 1000, 10_000])
@pytest.mark.parametrize("apart", APART)
def test_mcnemar_seldom_cries_wolf(n: int, apart: float) -> None:
    """Of 2,000 simulated pairs of equally good classifiers, at most 5 % (and what chance adds) are told apart."""
    drawn = _drawn(n, apart / 2, apart / 2, 2000)
    wrong = np.mean([_p_value(a, b) < 0.05 for a, b in drawn.tolist()])
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("share", [0.5, 0.65, 0.9])
def test_the_interval_covers_the_truth(apart: float, share: float) -> None:
    """At n = 10,000 the interval holds the true difference in 93 to 97 % of 2,000 simulated comparisons."""
    assert 0.93 <= _coverage(10_000, apart, share) <= 0.97


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("apart", APART)
def test_the_interval_of_few_images_is_rather_too_wide(n: int, apart: float) -> None:
    """With fewer images it never holds the truth less often than in 93 %."""
    assert _coverage(n, apart, 0.65) >= 0.93


def _coverage(n: int, apart: float, share: float) -> float:
    """Simulate 2,000 comparisons in which B has a share of the images on which only one is right."""
    true = apart * (2 * share - 1)
    found = [
        paired_difference(a, b, n) for a, b in _drawn(n, apart * (1 - share), apart * share, 2000).tolist()
    ]
    return sum(each.low <= true <= each.high for each in found) / len(found)


@given(_counts())
def test_the_interval_holds_the_difference(counts: tuple[int, int, int]) -> None:
    """The measured difference lies in its interval, the interval in -1 .. 1, and exchanging the two turns it round."""
    only_a, only_b, n = counts
    found = paired_difference(only_a, only_b, n)
    assert -1 <= found.low <= found.value <= found.high <= 1
    other = paired_difference(only_b, only_a, n)
    assert (other.low, other.value, other.high) == pytest.approx((-found.high, -found.value, -found.low))


def test_the_interval_of_a_known_case() -> None:
    """61 to 30 of 10,000 images is +0.31 points [0.12, 0.50]."""
    found = paired_difference(30, 61, 10_000)
    assert [round(100 * each, 2) for each in (found.value, found.low, found.high)] == [0.31, 0.12, 0.5]


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([800, 1000, 10_000]))
def test_the_interval_never_contradicts_the_test(only_a: int, only_b: int, n: int) -> None:
    """Where McNemar's test sees a difference at 5 %, the interval leaves 0 out."""
    found = paired_difference(only_a, only_b, n)
    assert mcnemar_test(only_a, only_b) >= 0.05 or found.low > 0 or found.high < 0


def test_holm_of_published_cases() -> None:
    """Of seven p-values the same two are rejected at 5 % as in the examples of R's HDLSSkST; p.adjust's are given."""
    p_values = [0.50, 0.01, 0.001, 0.69, 0.02, 0.05, 0.0025]
    adjusted = holm_correction(p_values)
    assert [each < 0.05 for each in adjusted] == [False, False, True, False, False, False, True]
    assert adjusted == pytest.approx([1, 0.05, 0.007, 1, 0.08, 0.15, 0.015])
    assert holm_correction([0.042, 0.001, 0.031, 0.014, 0.007]) == pytest.approx([0.062, 0.005, 0.062, 0.042, 0.028])


@given(P_VALUES)
def test_holm_only_raises_and_keeps_the_order(p_values: list[float]) -> None:
    """No p-value falls or passes 1, the smallest is multiplied by their number, and their order stays."""
    adjusted = holm_correction(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [adjusted[place] for place in order] == sorted(adjusted)
    if p_values:
        assert min(adjusted) == pytest.approx(min(1, len(p_values) * min(p_values)))


def test_holm_keeps_the_family_to_five_percent() -> None:
    """Of 2,000 simulated comparisons of four equally good classifiers in pairs, at most 5 % tell any two apart."""
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(2000):
        right = random.random((4, 400)) < 0.8
        pairs = [(right[a] & ~right[b], right[b] & ~right[a]) for a in range(4) for b in range(a)]
        wrong += min(holm_correction([_p_value(int(one.sum()), int(other.sum())) for one, other in pairs])) < 0.05
    assert wrong / 2000 <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_images_needed_of_published_cases() -> None:
    """Connor's equation gives 23 pairs for 0.45 against 0.05, and 155 for 0.30 against 0.15."""
    assert images_needed(45, 5, 100) == 23
    assert images_needed(30, 15, 100) == 155


@given(_counts(), st.integers(1, 50))
def test_what_is_not_seen_needs_more_images(counts: tuple[int, int, int], pairs: int) -> None:
    """Where the test sees nothing at a level, more images are needed at that level than there are; or none help."""
    only_a, only_b, n = counts
    needed = images_needed(only_a, only_b, n, 0.05 / pairs)
    if only_a == only_b:
        assert needed is None
    elif mcnemar_test(only_a, only_b) > 0.05 / pairs:
        assert needed is not None
        assert needed > n


def test_the_images_needed_do_show_the_difference() -> None:
    """With as many images as are said to be needed, 80 % of 2,000 simulated comparisons see the difference."""
    needed = images_needed(130, 160, 10_000)
    assert needed is not None
    seen = np.mean([_p_value(a, b) < 0.05 for a, b in _drawn(needed, 0.013, 0.016, 2000).tolist()])
    assert 0.76 <= seen <= 0.84


@given(_counts())
def test_the_smallest_difference_is_the_reverse(counts: tuple[int, int, int]) -> None:
    """A difference as large as the smallest that would have been seen needs about as many images as there were."""
    only_a, only_b, n = counts
    smallest = minimum_detectable_difference(only_a, only_b, n)
    assert (smallest > 0) == (only_a + only_b > 0)
    if 100 <= only_a + only_b <= n / 10:
        more = round((only_a + only_b + smallest * n) / 2)
        needed = images_needed(only_a + only_b - more, more, n)
        assert needed == pytest.approx(n, rel=0.05)


@pytest.mark.parametrize("counts", [(-1, 2, 10), (2, -1, 10), (6, 5, 10), (0, 0, 0)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int]) -> None:
    """Negative counts, or more than there are images, are refused with the counts in the sentence."""
    for function in (paired_difference, images_needed, smallest_difference):
        with pytest.raises(DataError, match=f"Of {counts[2]} images"):
            function(*counts)
    with pytest.raises(DataError):
        mcnemar_test(-1, 5)
