"""Conversion of a caller's images (arrays, rows, image files) to the array that a network takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from optotype.data.arrays.images import CONVERT_HINT, Pixels, Shape, check_images
from optotype.data.pictures.decode import Picture, read_picture
from optotype.errors import DataError

__all__ = ["Images", "Pixels", "Shape", "as_batch"]

Images = Pixels | Picture | Sequence[Pixels | Picture]


def as_batch(images: Images, shape: Shape) -> Pixels:
    """Return images as the array that a network takes.

    Args:
        images: A uint8 (0 .. 255) or float32 (0 .. 1) array of shape (n, h, w, c), (n, h, w) if c is 1, or
            (n, h * w * c); or one image file: its path, its bytes, or an image opened by Pillow; or a list of
            image files and arrays of one image each.
        shape: The input shape of the network, (h, w, c).

    Returns:
        Contiguous array of shape (n, h, w, c), in the dtype of the input; n may be 0.

    Raises:
        DataError: If the dtype, shape or range is wrong, a value is NaN, or a list mixes both dtypes.
        ImageError: If an image file cannot be read.
    """
    if isinstance(images, np.ndarray):
        batch: NDArray[Any] = np.ascontiguousarray(check_images(images, shape))
        return batch
    if not isinstance(images, list | tuple):
        return _single_image(images, shape)[np.newaxis]
    if not images:
        return np.empty((0, *shape), np.uint8)
    converted = [_single_image(image, shape) for image in images]
    if len({image.dtype for image in converted}) > 1:
        raise DataError(
            "The list mixes float32 and uint8 images (image files are uint8); expected a single dtype."
            f" {CONVERT_HINT}"
        )
    stacked: NDArray[Any] = np.stack(converted)
    return stacked


def _single_image(image: object, shape: Shape) -> Pixels:
    if isinstance(image, np.ndarray):
        if image.ndim > len(shape):  # NumPy limits the number of axes, so adding one may fail
            raise DataError(
                f"An image in the list has {image.ndim} axes; expected one image of shape {shape} per item. Pass a"
                " batch as an array, not in a list."
            )
        checked: Pixels = check_images(image[np.newaxis], shape)[0]
        return checked
    if isinstance(image, str | Path | bytes | Image):
        return read_picture(image, shape)
    raise DataError(
        f"Images have type {type(image).__name__}; expected an array, an image file (a path, bytes, or an image opened"
        " by Pillow) or a list of these. Combine arrays with np.stack."
    )
