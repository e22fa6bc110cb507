"""Any number of pictures as arrays, a chunk in memory at a time.

A few are decoded here, because a worker process takes longer to start; many in workers, as for a training, so that a
picture that makes its decoder crash is only one more that cannot be used. The pixels are the same.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Skipped
from optotype.data.pictures.decode import UnusableError, open_picture, quietly, read_content, to_pixels
from optotype.data.pictures.digits import digit_of
from optotype.data.pictures.worker_pool import Fit, Shape, decoding_to
from optotype.data.sources.listing import Found

FEW: Final = 64
"""Pictures that are decoded here."""

_LARGEST: Final = 1000
_MOST_BYTES: Final = 32 << 20


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some pictures, in order.

    Attributes:
        files: Names of those that could be used.
        images: Their pixels, uint8 of shape (n, height, width, channels).
        bad: The others.
        done: How many pictures are in this chunk and those before it.
    """

    files: tuple[str, ...]
    images: NDArray[np.uint8]
    bad: tuple[Skipped, ...]
    done: int


def in_chunks(pictures: Sequence[Found], shape: Shape, fit: Fit = "stretch") -> Iterator[Chunk]:
    """Decode pictures to one shape.

    Args:
        pictures: Which.
        shape: Of every image, (height, width, channels).
        fit: How they are brought to it: "stretch" as `read_picture` does, "digit" as `fit_digit` does.

    Yields:
        The pictures in their order, at most 1,000 at a time.

    Raises:
        DataError: There is no room for the pixels, or no process can be started.
    """
    if len(pictures) <= FEW:
        if pictures:
            yield _chunk(pictures, 0, *_decode_here(pictures, shape, fit))
        return
    size = max(1, min(_LARGEST, _MOST_BYTES // math.prod(shape)))
    with decoding_to(shape, len(pictures), fit) as decode:
        for first in range(0, len(pictures), size):
            some = pictures[first : first + size]
            yield _chunk(some, first, *decode(some))


def _chunk(
    pictures: Sequence[Found], before: int, pixels: NDArray[np.uint8], faults: Sequence[str | None]
) -> Chunk:
    good = [fault is None for fault in faults]
    pairs = list(zip(pictures, faults, strict=True))
    return Chunk(
        tuple(each.file for each, fault in pairs if fault is None),
        pixels if all(good) else pixels[good],
        tuple(Skipped(each.file, fault) for each, fault in pairs if fault is not None),
        before + len(pictures),
    )


def _decode_here(
    pictures: Sequence[Found], shape: Shape, fit: Fit
) -> tuple[NDArray[np.uint8], list[str | None]]:
    pixels = np.zeros((len(pictures), *shape), np.uint8)
    faults: list[str | None] = []
    with quietly():
        for place, each in enumerate(pictures):
            try:
                image = open_picture(read_content(each.path, each.offset, each.size))
                pixels[place] = digit_of(image) if fit == "digit" else to_pixels(image, shape)
                faults.append(None)
            except UnusableError as fault:
                faults.append(fault.what)
    return pixels, faults
