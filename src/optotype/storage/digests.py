"""Hashes of single images: two images have the same digest if all their pixels are equal."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def digests(images: NDArray[np.uint8]) -> list[bytes]:
    """Compute the digest of each image.

    Args:
        images: uint8 of shape (n, height, width, channels). Memory-mapped images are read one at a time.

    Returns:
        n SHA-256 digests.
    """
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images]


def match_digests(known: Sequence[bytes], queries: Sequence[bytes]) -> NDArray[np.int64]:
    """Find the first exact copy of each query image among known images.

    Args:
        known: Digests of the images to search in.
        queries: Digests of the images to search for.

    Returns:
        int64 of shape (len(queries),): the lowest index in ``known`` with the same digest, or -1.
    """
    first_index: dict[bytes, int] = {}
    for index, digest in enumerate(known):
        first_index.setdefault(digest, index)
    return np.array([first_index.get(digest, -1) for digest in queries], np.int64)
