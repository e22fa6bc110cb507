"""Decoding of any number of image files to arrays, with one chunk in memory at a time.

A few image files are decoded in this process, because starting a worker process takes longer. Many are decoded in
worker processes, as for training, so that a crash of a decoder only makes one image file unusable. The pixels are the
same.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Skipped
from optotype.data.pictures.decode import Fit, Shape, decode
from optotype.data.pictures.image_file import UnusableError, read_content
from optotype.data.pictures.location import FileLocation
from optotype.data.pictures.worker_pool import open_decoder

MAX_IN_PROCESS: Final = 64
"""Largest number of image files that are decoded in this process."""

_MAX_IMAGES: Final = 1000
_MAX_BYTES: Final = 32 << 20


@dataclass(frozen=True, eq=False)
class Chunk:
    """A chunk of decoded image files, in order.

    Attributes:
        files: Names of the usable files.
        images: Their pixels, uint8 of shape (n, height, width, channels).
        skipped: The unusable files.
        done: Number of image files in this chunk and all chunks before it.
    """

    files: tuple[str, ...]
    images: NDArray[np.uint8]
    skipped: tuple[Skipped, ...]
    done: int


def in_chunks(locations: Sequence[FileLocation], shape: Shape, fit: Fit = "stretch") -> Iterator[Chunk]:
    """Decode image files to one shape, chunk by chunk.

    Args:
        locations: The image files.
        shape: Shape of every image, (height, width, channels).
        fit: As for `decode.decode`.

    Yields:
        The decoded images in their order, at most 1,000 at a time.

    Raises:
        DataError: If there is no disk space for the pixels, or no worker process can be started.
    """
    if len(locations) <= MAX_IN_PROCESS:
        if locations:
            yield _chunk(locations, 0, *_decode_in_process(locations, shape, fit))
        return
    size = max(1, min(_MAX_IMAGES, _MAX_BYTES // math.prod(shape)))
    with open_decoder(shape, len(locations), fit) as decode_chunk:
        for start in range(0, len(locations), size):
            chunk = locations[start : start + size]
            yield _chunk(chunk, start, *decode_chunk(chunk))


def _chunk(
    locations: Sequence[FileLocation], start: int, pixels: NDArray[np.uint8], faults: Sequence[str | None]
) -> Chunk:
    usable = [fault is None for fault in faults]
    pairs = list(zip(locations, faults, strict=True))
    return Chunk(
        tuple(location.file for location, fault in pairs if fault is None),
        pixels if all(usable) else pixels[usable],
        tuple(Skipped(location.file, fault) for location, fault in pairs if fault is not None),
        start + len(locations),
    )


def _decode_in_process(
    locations: Sequence[FileLocation], shape: Shape, fit: Fit
) -> tuple[NDArray[np.uint8], list[str | None]]:
    pixels = np.zeros((len(locations), *shape), np.uint8)
    faults: list[str | None] = []
    for row, location in enumerate(locations):
        try:
            pixels[row] = decode(read_content(location.path, location.offset, location.size), shape, fit)
            faults.append(None)
        except UnusableError as error:
            faults.append(error.reason)
    return pixels, faults
