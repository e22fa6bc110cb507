"""Hashes of images: equal where every pixel is the same."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def digests(images: NDArray[np.uint8]) -> list[bytes]:
    """Hash each image.

    Args:
        images: uint8 of shape (n, height, width, channels); mapped ones are read one at a time.

    Returns:
        A SHA-256 digest for each image.
    """
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images]


def match_digests(known: Sequence[bytes], asked: Sequence[bytes]) -> NDArray[np.int64]:
    """Find the first exact copy of images among others.

    Args:
        known: Digests of the images to search.
        asked: Digests of the images to search for.

    Returns:
        int64 of shape (len(asked),): the lowest index in ``known`` of the same digest, -1 where there is none.
    """
    places: dict[bytes, int] = {}
    for place, digest in enumerate(known):
        places.setdefault(digest, place)
    return np.array([places.get(digest, -1) for digest in asked], np.int64)
