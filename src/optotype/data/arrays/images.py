"""What an array must be to be images: the shapes, types and colours accepted, and how each becomes what is wanted."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Images
from optotype.errors import DataError

LARGEST_SIDE: Final = 128

_AT_ONCE: Final = 1_000
"""Images that are converted at a time."""
# ITU-R 601 luma in 2^16ths, as Pillow has it: a picture comes out alike, whoever converts it.
_LUMA: Final = np.array([19_595, 38_470, 7_471], np.uint32)

_CONVERT: Final = "Convert it: x.astype(np.uint8) for values 0 .. 255, x.astype(np.float32) for 0 .. 1."


def as_images(what: str, array: NDArray[Any]) -> Images:
    """Bring an array into the form of images, or say why that is impossible.

    Args:
        what: What to call the array in messages.
        array: uint8, or float32 in 0 .. 1, of shape (n, height, width), (n, height, width, channels), or flat rows of
            square grey images (n, side * side). A float32 x becomes the uint8 nearest to 255 x (of two equally near
            the even one): pixels that were divided by 255 come back exactly, finer steps are lost.

    Returns:
        uint8 of shape (n, height, width, channels), contiguous and read-only; a copy where the array can be written
        to, so that nobody changes the images afterwards.

    Raises:
        DataError: The type, shape or range is another.
    """
    shape = _shape(what, array.shape)
    if array.dtype == np.float32:
        _check_range(what, array)
        images: Images = np.rint(array * np.float32(255)).astype(np.uint8)
    elif array.dtype == np.uint8:
        images = array if not array.flags.writeable and array.flags.c_contiguous else array.copy(order="C")
    else:
        raise DataError(f"{what} has dtype {array.dtype}, expected uint8 or float32. {_CONVERT}")
    images = np.ascontiguousarray(images).reshape(shape)
    images.setflags(write=False)
    return images


def check_shape(what: str, shape: tuple[int, ...]) -> None:
    """Refuse images of a shape that no network takes, or none at all.

    Args:
        what: What to call them in messages.
        shape: (n, height, width, channels).

    Raises:
        DataError: There is no image, a side is not in 1 .. 128, or there are neither 1 nor 3 channels.
    """
    if shape[0] == 0:
        raise DataError(f"{what} is empty: it holds 0 images, expected at least one. Add images.")
    sides, channels = shape[1:3], shape[3]
    if not 1 <= min(sides) <= max(sides) <= LARGEST_SIDE or channels not in (1, 3):
        hint = (
            "Move the channels last: np.moveaxis(x, 1, -1)." if shape[1] in (1, 3) else "Resize the images."
        )
        raise DataError(
            f"{what} holds images of {sides[0]} x {sides[1]} pixels and {channels} channels, expected sides of 1 to"
            f" {LARGEST_SIDE} pixels and 1 or 3 channels. {hint}"
        )


def in_channels(images: Images, channels: int) -> Images:
    """Make coloured images grey, or grey ones RGB, as `pictures.to_pixels` does to pictures of that size.

    Args:
        images: uint8 of shape (n, height, width, 1 or 3).
        channels: 1 for grey, 3 for RGB.

    Returns:
        uint8 of shape (n, height, width, channels); the images themselves where they are that already.
    """
    if images.shape[3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=3)
    grey = np.empty((*images.shape[:3], 1), np.uint8)
    for start in range(0, len(images), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        grey[piece, ..., 0] = (images[piece].astype(np.uint32) @ _LUMA + (1 << 15)) >> 16
    return grey


def _shape(what: str, given: tuple[int, ...]) -> tuple[int, ...]:
    side = math.isqrt(given[1]) if len(given) == 2 else 0
    shapes = {2: (*given[:1], side, side, 1), 3: (*given, 1), 4: given}
    shape = shapes.get(len(given))
    if shape is None or math.prod(shape) != math.prod(given):
        # Rows of coloured images too: they do not say whether colours come pixel by pixel or plane by plane.
        raise DataError(
            f"{what} has shape {given}, expected (n, height, width), (n, height, width, channels), or rows of square"
            " grey images (n, side * side). Reshape it."
        )
    check_shape(what, shape)
    return shape


def _check_range(what: str, array: NDArray[np.float32]) -> None:
    # A NaN anywhere makes both of these NaN.
    low, high = float(array.min()), float(array.max())
    if math.isnan(low):
        raise DataError(f"{what} holds NaN, expected numbers in 0 .. 1. Find it with np.isnan(x).")
    if low < 0 or high > 1:
        raise DataError(
            f"{what} is float32 and holds values from {low:g} to {high:g}, expected 0 .. 1."
            " Divide pixels in 0 .. 255 by 255, or give them as uint8."
        )
