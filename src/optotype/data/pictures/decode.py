"""Conversion of an image file to the array that a model expects.

Transparent pixels become black, which is the background of MNIST.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from optotype.data.pictures.digits import normalize_digit
from optotype.data.pictures.image_file import (
    MAX_PIXELS,
    Picture,
    decoder_errors,
    describe,
    ignore_pillow_warnings,
    open_picture,
    open_upright,
)
from optotype.errors import ImageError

__all__ = ["Fit", "Picture", "Shape", "decode", "picture_to_array", "read_picture"]

Shape = tuple[int, int, int]
Fit = Literal["stretch", "digit"]
"""How an image is brought to a shape: stretched to it, or cropped and centred as a digit of MNIST."""

_MODES: Final = {1: "L", 3: "RGB"}


def read_picture(picture: Picture, shape: Shape) -> NDArray[np.uint8]:
    """Read an image file: upright (EXIF), on black where transparent, in grey or RGB, resized to a shape.

    Only the first of several frames or pages is read. An image of another size is stretched to the shape, with
    antialiasing (Pillow's bilinear filter, whose support grows with the reduction).

    Args:
        picture: A PNG, JPEG, WebP, BMP, GIF or TIFF file of at most 256 MiB and 64 megapixels, by its path or as
            bytes; or an image of at most that many pixels opened by Pillow, which is not changed.
        shape: (height, width, channels) with 1 channel for grey (ITU-R 601 luma) or 3 for RGB.

    Returns:
        uint8 array of that shape.

    Raises:
        ImageError: If the file is missing, too large, damaged or of another format, or the shape is impossible.
    """
    height, width, channels = shape
    if channels not in _MODES or height < 1 or width < 1:
        raise ImageError(
            f"{describe(picture)} cannot be read as {height} x {width} pixels with {channels} channels; expected at"
            " least 1 x 1 pixels and 1 or 3 channels. Use a model with such an input shape."
        )
    with open_upright(picture) as image:
        return picture_to_array(image, shape)


def decode(
    content: bytes, shape: Shape, fit: Fit = "stretch", max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode the content of an image file to an array.

    Args:
        content: The bytes of the file.
        shape: (height, width, channels), with 1 or 3 channels.
        fit: "stretch" as `read_picture` does; "digit" as `digits.fit_digit` does, for the shape (28, 28, 1).
        max_pixels: Largest accepted number of pixels of the image file.

    Returns:
        uint8 array of that shape.

    Raises:
        UnusableError: If the content is damaged or of an unsupported format, the image is too large, or it shows no
            digit with ``fit`` "digit".
    """
    with ignore_pillow_warnings():
        return picture_to_array(open_picture(content, max_pixels), shape, fit)


def picture_to_array(image: Image.Image, shape: Shape, fit: Fit = "stretch") -> NDArray[np.uint8]:
    """Convert an image that `open_picture` returned to an array; `decode` does both.

    Args:
        image: The upright image.
        shape: (height, width, channels), with 1 or 3 channels.
        fit: As for `decode`.

    Returns:
        uint8 array of that shape.

    Raises:
        UnusableError: If Pillow cannot convert the image, or it shows no digit with ``fit`` "digit".
    """
    if fit == "digit":
        return normalize_digit(image)
    height, width, channels = shape
    mode, size = _MODES[channels], (width, height)
    with decoder_errors():
        converted = _to_8_bits(image, mode)
        if converted.size != size:
            converted = converted.resize(size, Image.Resampling.BILINEAR)
        if converted.mode == "RGBA":
            black = Image.new("RGBA", size, (0, 0, 0, 255))
            converted = Image.alpha_composite(black, converted).convert(mode)
        return np.array(converted, np.uint8).reshape(shape)


def _to_8_bits(image: Image.Image, mode: str) -> Image.Image:
    """Convert to 8 bits per channel: to RGBA if any pixel may be transparent, else to ``mode``."""
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit grey at 255 and return a white image.
        wide = np.asarray(image).astype(np.float32)
        image = Image.fromarray(np.rint(wide / 257).astype(np.uint8))
    return image.convert("RGBA" if image.has_transparency_data else mode)
