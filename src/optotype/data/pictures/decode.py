"""Reading a picture file into the shape a model expects, without trusting the file.

Only the decoders of common formats may run, on files and pictures of bounded size, and whatever goes wrong in one
is an ImageError that names the file. Transparency is put on black, which is what nothing looks like in MNIST.
"""

import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from optotype.errors import ImageError

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MOST_PIXELS: Final = 64_000_000
MOST_BYTES: Final = 256 << 20

Picture = str | Path | bytes | Image.Image
"""A picture in a file, as a file's bytes, or opened by Pillow."""

_MODES: Final = {1: "L", 3: "RGB"}


class _Silence:
    """Silence for as long as any thread needs it: Python's filters of warnings are the whole process's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._filters = warnings.catch_warnings()

    def begin(self) -> None:
        with self._lock:
            if self._threads == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._threads += 1

    def end(self) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0:
                self._filters.__exit__(None, None, None)


_silence = _Silence()


class UnusableError(Exception):
    """Why a picture cannot be used, without its name, which only the caller knows.

    Attributes:
        what: What is wrong, to follow the name ("has 3 bytes, expected ...").
        advice: What to do about it, as a sentence.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.what = " ".join(what.split())
        self.advice = advice


def read_picture(picture: Picture, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Read a picture: turned upright (EXIF), on black where transparent, in grey or colour, resized to fit.

    Of several frames or pages the first is read. A picture of another size is stretched to the shape, antialiased
    (Pillow's bilinear filter, whose support grows with the reduction).

    Args:
        picture: A PNG, JPEG, WebP, BMP, GIF or TIFF file of at most 256 MiB and 64 megapixels, by its path or as bytes;
            or what Pillow has opened, of that many pixels, which stays as it is.
        shape: What to return: (height, width, channels) with 1 channel for grey (ITU-R 601 luma) or 3 for RGB.

    Returns:
        uint8 array of that shape.

    Raises:
        ImageError: The file is missing, too large, damaged or of another format, or the shape is impossible.
    """
    height, width, channels = shape
    if channels not in _MODES or height < 1 or width < 1:
        raise ImageError(
            f"{_name(picture)} cannot be read as {height} x {width} pixels with {channels} channels, expected at least"
            " 1 x 1 with 1 or 3 channels. Use a model for such images."
        )
    with opened(picture) as image:
        return to_pixels(image, shape)


@contextmanager
def opened(picture: Picture) -> Iterator[Image.Image]:
    """Open a picture and turn it upright, for a block in which an UnusableError becomes an ImageError that names it.

    Args:
        picture: As for `read_picture`.

    Raises:
        ImageError: The picture cannot be used.
    """
    try:
        with quietly():
            if isinstance(picture, Image.Image):
                yield upright(picture, keep=True)
            else:
                yield open_picture(picture if isinstance(picture, bytes) else read_content(picture))
    except UnusableError as fault:
        raise ImageError(f"{_name(picture)} {fault.what}. {fault.advice}") from fault


@contextmanager
def quietly() -> Iterator[None]:
    """Silence Pillow, which warns of what we check ourselves (size) and of oddities in metadata we do not use."""
    _silence.begin()
    try:
        yield
    finally:
        _silence.end()


def _name(picture: Picture) -> str:
    if isinstance(picture, bytes):
        return "A picture given as bytes"
    return "A picture of Pillow's" if isinstance(picture, Image.Image) else str(picture)


def read_content(path: str | Path, offset: int = 0, size: int | None = None) -> bytes:
    """Read the bytes of a picture, which may lie within a larger file.

    Args:
        path: The file.
        offset: Where the picture begins.
        size: How many bytes it has; None for all that follow.

    Raises:
        UnusableError: The file is missing, no regular file, or cannot be read; or the picture is too large.
    """
    try:
        # Opened without blocking: a named pipe would keep us waiting for whoever writes to it.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnusableError("is not a file, expected a picture", "Check the path.")
            size = status.st_size - offset if size is None else size
            if size > MOST_BYTES:
                raise UnusableError(f"has {size} bytes, expected at most {MOST_BYTES}", "Save it smaller.")
            file.seek(offset)
            return file.read(size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise UnusableError("is not a file, expected a picture", "Check the path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnusableError(f"cannot be read: {reason}", "Check the file and its rights.") from error


def open_picture(content: bytes, most_pixels: int = MOST_PIXELS) -> Image.Image:
    """Decode a picture and turn it upright. Pillow's warnings are the caller's to silence.

    Args:
        content: The bytes of a file.
        most_pixels: How many pixels it may have.

    Returns:
        The first frame, in Pillow's mode for it; `to_pixels` takes it from there.

    Raises:
        UnusableError: The bytes are no sound picture of one of the formats, or it is too large; that is known from
            its header, before a pixel is decoded.
    """
    with _explained():
        return upright(Image.open(io.BytesIO(content), formats=FORMATS), most_pixels)


def upright(image: Image.Image, most_pixels: int = MOST_PIXELS, *, keep: bool = False) -> Image.Image:
    """Turn a picture of Pillow's upright. Pillow's warnings are the caller's to silence.

    Args:
        image: The picture.
        most_pixels: How many pixels it may have.
        keep: Whether to leave it as it is and give a copy.

    Raises:
        UnusableError: It is too large, damaged, or its values are none of a picture's.
    """
    with _explained():
        if image.width * image.height > most_pixels:
            raise UnusableError(
                f"has {image.width} x {image.height} pixels, expected at most {most_pixels} in all",
                "Save it smaller.",
            )
        if keep:
            image = ImageOps.exif_transpose(image)
        else:
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode in ("I", "F"):
            raise UnusableError(
                "has 32-bit grey values, expected 8 or 16 bits", "Save it with 8 bits a channel."
            )
        return image


def is_grey(image: Image.Image) -> bool:
    """Tell whether a picture was stored without colours."""
    return image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")


def to_pixels(image: Image.Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Bring a decoded picture to a shape, as `read_picture` does.

    Args:
        image: What `open_picture` gave.
        shape: (height, width, channels), channels being 1 or 3.

    Returns:
        uint8 array of that shape.

    Raises:
        UnusableError: Pillow cannot convert it.
    """
    height, width, channels = shape
    mode, size = _MODES[channels], (width, height)
    with _explained():
        picture = _opaque_or_rgba(image, mode)
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        if picture.mode == "RGBA":
            black = Image.new("RGBA", size, (0, 0, 0, 255))
            picture = Image.alpha_composite(black, picture).convert(mode)
        return np.array(picture, np.uint8).reshape(shape)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn whatever a decoder raises into a UnusableError."""
    try:
        yield
    except UnusableError:
        raise
    except Exception as error:  # a decoder fed a damaged file raises nearly every kind there is
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "its format is not recognised" if unknown else str(error) or type(error).__name__
        raise UnusableError(
            f"cannot be read as a picture: {reason}",
            f"Expected a sound file of one of the formats {', '.join(FORMATS)}; open and save it again with an"
            " image program.",
        ) from error


def _opaque_or_rgba(image: Image.Image, mode: str) -> Image.Image:
    """Convert to 8 bits a channel: RGBA where anything may be transparent, else the mode asked for."""
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit grey at 255 and give a white picture.
        wide = np.asarray(image).astype(np.float32)
        image = Image.fromarray(np.rint(wide / 257).astype(np.uint8))
    return image.convert("RGBA" if image.has_transparency_data else mode)
