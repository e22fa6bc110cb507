"""Images small enough to be compared and learnt from quickly: at most 32 pixels a side."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 32
_CHUNK: Final = 1024


def thumbnails(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make images smaller by a whole factor, averaging over squares; the edge is repeated where they do not fit.

    Args:
        images: uint8 of shape (n, height, width, channels).

    Returns:
        uint8 of shape (n, height', width', channels) with sides of at most 32 pixels; the images themselves where
        they already are that small.
    """
    n, height, width, channels = images.shape
    factor = math.ceil(max(height, width) / SIDE)
    if factor == 1:
        return images
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    small = np.empty((n, rows, columns, channels), np.uint8)
    missing = ((0, 0), (0, rows * factor - height), (0, columns * factor - width), (0, 0))
    for start in range(0, n, _CHUNK):
        whole = np.pad(images[start : start + _CHUNK], missing, "edge")
        squares = whole.reshape(-1, rows, factor, columns, factor, channels)
        small[start : start + _CHUNK] = np.rint(squares.mean(axis=(2, 4), dtype=np.float32))
    return small
