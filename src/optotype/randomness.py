"""Random numbers computed from a key (seed, purpose, ...) and an index: a counter-based generator without state.

Every number is a hash of its key and its own index. Therefore the result does not depend on the order of the draws or
on threads, and no random state is ever saved. The hash is the SplitMix64 output function (Steele, Lea, Flood: Fast
Splittable Pseudorandom Number Generators, OOPSLA 2014, figure 17) in plain 64-bit integer arithmetic: the result is
the same on every machine and with every NumPy version.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def purpose(word: str) -> int:
    """Return the key part for a purpose: the ASCII bytes of a word as one big-endian integer."""
    return int.from_bytes(word.encode("ascii"), "big")


def combine(*key: int) -> int:
    """Hash a key of integers into one 64-bit number.

    Args:
        *key: Integers of any size and sign; their order matters.

    Returns:
        An integer in 0 .. 2^64 - 1.
    """
    state = 0
    for part in key:
        word = np.array([(state + (part + 1) * _GOLDEN) & _MASK], np.uint64)
        state = int(_mix(word)[0])
    return state


def bits(n: int, *key: int) -> NDArray[np.uint64]:
    """Compute ``n`` random 64-bit words for a key.

    Args:
        n: Number of words.
        *key: The seed and the purpose of the words.

    Returns:
        uint64 array of shape (n,).
    """
    counters = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    return _mix(counters + np.uint64(combine(*key)))


def uniform(n: int, *key: int) -> NDArray[np.float64]:
    """Draw ``n`` numbers from the uniform distribution on [0, 1) for a key.

    Args:
        n: Number of values.
        *key: The seed and the purpose of the values.

    Returns:
        float64 array of shape (n,).
    """
    return (bits(n, *key) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(n: int, *key: int) -> NDArray[np.float64]:
    """Draw ``n`` standard normal numbers for a key by the Box-Muller transform (Box and Muller, 1958).

    Args:
        n: Number of values.
        *key: The seed and the purpose of the values.

    Returns:
        float64 array of shape (n,).
    """
    radius = np.sqrt(-2.0 * np.log1p(-uniform(n, *key, 0)))
    return radius * np.cos(2.0 * math.pi * uniform(n, *key, 1))


def permutation(n: int, *key: int) -> NDArray[np.int64]:
    """Return 0 .. n-1 in a random order for a key.

    Args:
        n: Number of elements.
        *key: The seed and the purpose of the order.

    Returns:
        int64 array of shape (n,).
    """
    return np.argsort(bits(n, *key), kind="stable")
