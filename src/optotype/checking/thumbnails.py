"""Thumbnails: images with sides of at most 32 pixels, small enough to compare and to train on quickly."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 32
_CHUNK: Final = 1024


def thumbnails(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink images by an integer factor, averaging over squares; edges are repeated to fill incomplete squares.

    Args:
        images: uint8 of shape (n, height, width, channels).

    Returns:
        uint8 of shape (n, height', width', channels) with sides of at most 32 pixels; the same array if the images
        already are that small.
    """
    n, height, width, channels = images.shape
    factor = math.ceil(max(height, width) / SIDE)
    if factor == 1:
        return images
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    small = np.empty((n, rows, columns, channels), np.uint8)
    padding = ((0, 0), (0, rows * factor - height), (0, columns * factor - width), (0, 0))
    for start in range(0, n, _CHUNK):
        padded = np.pad(images[start : start + _CHUNK], padding, "edge")
        squares = padded.reshape(-1, rows, factor, columns, factor, channels)
        small[start : start + _CHUNK] = np.rint(squares.mean(axis=(2, 4), dtype=np.float32))
    return small
