"""Checks and conversions of image arrays: shapes, dtypes, value ranges and channels."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Images
from optotype.errors import DataError

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Shape = tuple[int, int, int]

MAX_SIDE: Final = 128
"""Pixels of the longest side of an image."""

CONVERT_HINT: Final = (
    "Convert the images: images.astype(np.uint8) for values in 0 .. 255,"
    " images.astype(np.float32) for values in 0 .. 1."
)

_CHUNK: Final = 1_000
"""Images that are converted at a time."""
# ITU-R 601 luma in units of 2^-16, with Pillow's coefficients: arrays and image files give the same grey values.
_LUMA: Final = np.array([19_595, 38_470, 7_471], np.uint32)


def check_images(array: NDArray[Any], shape: Shape | None = None, name: str = "images") -> Pixels:
    """Check the dtype, shape and values of an image array, and return it with four axes.

    Args:
        array: uint8, or float32 with values in 0 .. 1. With ``shape`` (h, w, c), the accepted shapes are (n, h, w, c),
            (n, h * w * c), and (n, h, w) if c is 1; n may be 0. Without it, they are (n, height, width),
            (n, height, width, channels) and rows of square grey images (n, side * side), with n at least 1, sides of
            1 to 128 pixels and 1 or 3 channels.
        shape: The required shape of one image, (height, width, channels); None for any.
        name: Name of the array in messages.

    Returns:
        The array in its own dtype, of shape (n, height, width, channels).

    Raises:
        DataError: If the dtype, shape or range is wrong, or a value is NaN.
    """
    full_shape = _any_shape(name, array.shape) if shape is None else _required_shape(name, array.shape, shape)
    if array.dtype == np.float32:
        _check_range(name, array)
    elif array.dtype != np.uint8:
        raise DataError(f"{name} has dtype {array.dtype}; expected uint8 or float32. {CONVERT_HINT}")
    images: Pixels = array.reshape(full_shape)
    return images


def to_uint8(images: Pixels) -> Images:
    """Convert checked images to contiguous, read-only uint8 pixels.

    Args:
        images: uint8, or float32 in 0 .. 1. A float32 value x becomes the integer nearest to 255 x (ties to even):
            pixels that were divided by 255 are restored exactly, finer steps are lost.

    Returns:
        uint8 of the same shape, read-only; a copy if the array is writeable, so that the caller cannot change the
        pixels afterwards.
    """
    if images.dtype == np.float32:
        pixels: Images = np.rint(images * np.float32(255)).astype(np.uint8)
    elif images.flags.writeable or not images.flags.c_contiguous:
        pixels = images.astype(np.uint8, order="C", copy=True)
    else:
        pixels = images.view(np.uint8)
    pixels = np.ascontiguousarray(pixels)
    pixels.setflags(write=False)
    return pixels


def check_shape(name: str, shape: Sequence[int]) -> None:
    """Check that a network can take images of a shape.

    Args:
        name: Name of the images in messages.
        shape: (n, height, width, channels).

    Raises:
        DataError: If there is no image, a side is outside 1 .. 128, or the number of channels is neither 1 nor 3.
    """
    n, height, width, channels = shape
    if n == 0:
        raise DataError(f"{name} contains 0 images; expected at least one. Add images.")
    if not 1 <= min(height, width) <= max(height, width) <= MAX_SIDE or channels not in (1, 3):
        hint = "Move the channels last: np.moveaxis(x, 1, -1)." if height in (1, 3) else "Resize the images."
        raise DataError(
            f"{name} contains images of {height} x {width} pixels and {channels} channels; expected sides of 1 to"
            f" {MAX_SIDE} pixels and 1 or 3 channels. {hint}"
        )


def convert_channels(images: Images, channels: int) -> Images:
    """Convert RGB images to grey or grey images to RGB, with the same pixels as `decode.picture_to_array` gives.

    Args:
        images: uint8 of shape (n, height, width, 1 or 3).
        channels: 1 for grey, 3 for RGB.

    Returns:
        uint8 of shape (n, height, width, channels); the same array if it has that number of channels.
    """
    if images.shape[3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=3)
    grey = np.empty((*images.shape[:3], 1), np.uint8)
    for start in range(0, len(images), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        grey[chunk, ..., 0] = (images[chunk].astype(np.uint32) @ _LUMA + (1 << 15)) >> 16
    return grey


def _required_shape(name: str, actual: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    height, width, channels = shape
    accepted: list[tuple[int, ...]] = [shape, (height * width * channels,)]
    if channels == 1:
        accepted.append((height, width))
    if actual[1:] in accepted:
        return actual[0], *shape
    choices = " or ".join(str(("n", *image_shape)).replace("'", "") for image_shape in accepted)
    hint = "Add the first axis: images[np.newaxis]." if actual in accepted else "Resize the images."
    raise DataError(f"{name} has shape {actual}; expected {choices}. {hint}")


def _any_shape(name: str, actual: tuple[int, ...]) -> tuple[int, ...]:
    side = math.isqrt(actual[1]) if len(actual) == 2 else 0
    shapes = {2: (*actual[:1], side, side, 1), 3: (*actual, 1), 4: actual}
    shape = shapes.get(len(actual))
    if shape is None or math.prod(shape) != math.prod(actual):
        # Rows of colour images are ambiguous: channels may be interleaved or in planes.
        raise DataError(
            f"{name} has shape {actual}; expected (n, height, width), (n, height, width, channels), or rows of"
            " square grey images (n, side * side). Reshape the array."
        )
    check_shape(name, shape)
    return shape


def _check_range(name: str, array: NDArray[np.float32]) -> None:
    if array.size == 0:
        return
    # A NaN anywhere makes both of these NaN.
    low, high = float(array.min()), float(array.max())
    if math.isnan(low):
        raise DataError(f"{name} contains NaN; expected numbers in 0 .. 1. Locate it with np.isnan.")
    if low < 0 or high > 1:
        raise DataError(
            f"{name} contains float32 values from {low:g} to {high:g}; expected 0 .. 1."
            " Divide pixels in 0 .. 255 by 255, or pass them as uint8."
        )
