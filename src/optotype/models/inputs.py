"""The only path from what a caller holds (arrays, rows, pictures) to the array that a network takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from optotype.data.pictures.decode import Picture, read_picture
from optotype.errors import DataError

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Images = Pixels | Picture | Sequence[Pixels | Picture]
Shape = tuple[int, int, int]

_CONVERT: Final = (
    "Convert it: images.astype(np.uint8) for values 0 .. 255, images.astype(np.float32) for 0 .. 1."
)


def as_batch(images: Images, shape: Shape) -> Pixels:
    """Bring images into the form that a network takes, or say why that is impossible.

    Args:
        images: An array of uint8 (0 .. 255) or float32 (0 .. 1), shaped (n, h, w, c), (n, h, w) where c is 1, or
            (n, h * w * c); or one picture: its path, its bytes, or opened by Pillow; or a list of
            pictures and of arrays that are each one image.
        shape: What the network was made for, (h, w, c).

    Returns:
        Contiguous array of shape (n, h, w, c), in the dtype that was given; n may be 0.

    Raises:
        DataError: The dtype, shape or range is another, or a value is NaN; or a list holds images of both dtypes.
        ImageError: A picture cannot be read.
    """
    if isinstance(images, np.ndarray):
        _check_values(images)
        batch: NDArray[Any] = images.reshape(_batch_shape(images.shape, shape))
        return np.ascontiguousarray(batch)
    if not isinstance(images, list | tuple):
        return _image(images, shape)[np.newaxis]
    if not images:
        return np.empty((0, *shape), np.uint8)
    each = [_image(image, shape) for image in images]
    if len({image.dtype for image in each}) > 1:
        raise DataError(
            f"Images of a list are float32 and uint8 (as pictures are), expected one of them. {_CONVERT}"
        )
    stacked: NDArray[Any] = np.stack(each)
    return stacked


def _image(image: object, shape: Shape) -> Pixels:
    if isinstance(image, np.ndarray):
        _check_values(image)
        one: NDArray[Any] = image.reshape(_batch_shape((1, *image.shape), shape)[1:])
        return one
    if isinstance(image, str | Path | bytes | Image):
        return read_picture(image, shape)
    raise DataError(
        f"Images are of type {type(image).__name__}, expected an array, a picture (a path, bytes, or one opened by"
        " Pillow) or a list of these. Make an array of them with np.stack."
    )


def _batch_shape(given: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    height, width, channels = shape
    accepted = [shape, (height * width * channels,)] + ([(height, width)] if channels == 1 else [])
    if given[1:] in accepted:
        return given[0], *shape
    choices = " or ".join(str(("n", *each)).replace("'", "") for each in accepted)
    hint = "Add the first axis: images[np.newaxis]." if given in accepted else "Resize the images."
    raise DataError(f"Images have shape {given}, expected {choices}. {hint}")


def _check_values(images: NDArray[Any]) -> None:
    if images.dtype == np.uint8:
        return
    if images.dtype != np.float32:
        raise DataError(f"Images have dtype {images.dtype}, expected uint8 or float32. {_CONVERT}")
    if images.size == 0:
        return
    # A NaN anywhere makes both of these NaN.
    low, high = float(images.min()), float(images.max())
    if np.isnan(low):
        raise DataError("Images hold NaN, expected numbers in 0 .. 1. Find it with np.isnan(images).")
    if low < 0 or high > 1:
        raise DataError(
            f"Images of dtype float32 hold values from {low:g} to {high:g}, expected 0 .. 1."
            " Divide pixels in 0 .. 255 by 255, or give them as uint8."
        )
