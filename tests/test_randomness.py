"""Counter-based random numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optotype.randomness import bits, combine, normal, permutation, uniform

KEYS = st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=4)


@given(KEYS, st.integers(0, 50))
def test_numbers_depend_on_the_key_alone(key: list[int], n: int) -> None:
    """The same key gives the same numbers, and a shorter draw is the beginning of a longer one."""
    np.testing.assert_array_equal(bits(n, *key), bits(n + 5, *key)[:n])


@given(KEYS, KEYS)
def test_different_keys_have_different_hashes(key_a: list[int], key_b: list[int]) -> None:
    """Different keys have different hashes."""
    assert (combine(*key_a) == combine(*key_b)) == ([k % 2**64 for k in key_a] == [k % 2**64 for k in key_b])


@given(KEYS, st.integers(0, 300))
def test_permutation_has_every_index_once(key: list[int], n: int) -> None:
    """Every index occurs exactly once."""
    np.testing.assert_array_equal(np.sort(permutation(n, *key)), np.arange(n))


def test_uniform_numbers_are_uniform() -> None:
    """A million numbers of one key, and the first of 100,000 keys, pass the Kolmogorov-Smirnov test."""
    assert stats.kstest(uniform(1_000_000, 1, 2), "uniform").pvalue > 0.001
    firsts = [uniform(1, seed, 0)[0] for seed in range(20_000)]
    assert stats.kstest(firsts, "uniform").pvalue > 0.001


def test_normal_numbers_are_normal() -> None:
    """A million numbers pass the Kolmogorov-Smirnov test against N(0, 1)."""
    assert stats.kstest(normal(1_000_000, 5), "norm").pvalue > 0.001


def test_random_numbers_are_pinned() -> None:
    """Key 0 gives the first output of SplitMix64 from state 0: a change would change every run."""
    assert combine(0) == 0xE220A8397B1DCDAF
    assert bits(2, 0).tolist() == [12035550249420947055, 12935080325729570654]
