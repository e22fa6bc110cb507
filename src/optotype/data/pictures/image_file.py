"""Opening of an image file, without trusting the file.

Only the decoders of common formats run, on files and images of limited size. Any failure of a decoder becomes an
UnusableError, or an ImageError that names the file.
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

from PIL import Image, ImageOps, UnidentifiedImageError

from optotype.errors import ImageError

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS: Final = 64_000_000
MAX_BYTES: Final = 256 << 20

Picture = str | Path | bytes | Image.Image
"""An image file by its path, its content as bytes, or an image opened by Pillow."""


class _WarningFilter:
    """Suppression of warnings while any thread needs it: Python's warning filters belong to the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._filters = warnings.catch_warnings()

    def enter(self) -> None:
        with self._lock:
            if self._threads == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._threads += 1

    def exit(self) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0:
                self._filters.__exit__(None, None, None)


_warning_filter = _WarningFilter()


class UnusableError(Exception):
    """The reason why an image file is unusable, without the file's name, which only the caller knows.

    Attributes:
        reason: The fault, as a phrase that follows the name ("has 3 bytes; expected ...").
        advice: What to do about it, as a sentence.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())
        self.advice = advice


@contextmanager
def open_upright(picture: Picture) -> Iterator[Image.Image]:
    """Open an image and turn it upright; in the block, an UnusableError becomes an ImageError with the image's name.

    Args:
        picture: As for `decode.read_picture`.

    Yields:
        The upright image, in Pillow's mode for it. An image opened by Pillow is copied, not changed.

    Raises:
        ImageError: If the image is unusable.
    """
    try:
        with ignore_pillow_warnings():
            if isinstance(picture, Image.Image):
                yield turn_upright(picture, copy=True)
            else:
                yield open_picture(picture if isinstance(picture, bytes) else read_content(picture))
    except UnusableError as error:
        raise ImageError(f"{describe(picture)} {error.reason}. {error.advice}") from error


@contextmanager
def ignore_pillow_warnings() -> Iterator[None]:
    """Ignore Pillow's warnings: of sizes, which are checked here, and of faults in metadata that is not used."""
    _warning_filter.enter()
    try:
        yield
    finally:
        _warning_filter.exit()


def describe(picture: Picture) -> str:
    """Return the name of an image for messages."""
    if isinstance(picture, bytes):
        return "The image passed as bytes"
    return "The image opened by Pillow" if isinstance(picture, Image.Image) else str(picture)


def read_content(path: str | Path, offset: int = 0, size: int | None = None) -> bytes:
    """Read the bytes of an image file, which may be part of a larger file.

    Args:
        path: The file.
        offset: Position of the first byte.
        size: Number of bytes; None for all that follow.

    Raises:
        UnusableError: If the file is missing, not a regular file or unreadable, or the image file is too large.
    """
    try:
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnusableError("is not a file; expected an image file", "Check the path.")
            size = status.st_size - offset if size is None else size
            if size > MAX_BYTES:
                raise UnusableError(
                    f"has {size} bytes; expected at most {MAX_BYTES}", "Save a smaller version."
                )
            file.seek(offset)
            return file.read(size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise UnusableError("is not a file; expected an image file", "Check the path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnusableError(f"cannot be read: {reason}", "Check the file and its permissions.") from error


def open_picture(content: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode the content of an image file and turn the image upright.

    The caller ignores Pillow's warnings (`ignore_pillow_warnings`).

    Args:
        content: The bytes of a file.
        max_pixels: Largest accepted number of pixels.

    Returns:
        The first frame, in Pillow's mode for it; `decode.picture_to_array` makes it an array.

    Raises:
        UnusableError: If the content is damaged or of an unsupported format, or the image is too large, which its
            header tells before any pixel is decoded.
    """
    with decoder_errors():
        return turn_upright(Image.open(io.BytesIO(content), formats=FORMATS), max_pixels)


def turn_upright(image: Image.Image, max_pixels: int = MAX_PIXELS, *, copy: bool = False) -> Image.Image:
    """Turn an image opened by Pillow upright, following its EXIF orientation.

    The caller ignores Pillow's warnings (`ignore_pillow_warnings`).

    Args:
        image: The image.
        max_pixels: Largest accepted number of pixels.
        copy: Whether to return a copy and leave ``image`` unchanged.

    Raises:
        UnusableError: If the image is too large, damaged, or has 32-bit grey values.
    """
    with decoder_errors():
        if image.width * image.height > max_pixels:
            raise UnusableError(
                f"has {image.width} x {image.height} pixels; expected at most {max_pixels} in total",
                "Save a smaller version.",
            )
        if copy:
            image = ImageOps.exif_transpose(image)
        else:
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode in ("I", "F"):
            raise UnusableError(
                "has 32-bit grey values; expected 8 or 16 bits", "Save it with 8 bits per channel."
            )
        return image


def is_grey(image: Image.Image) -> bool:
    """Return whether an image is stored without colours."""
    return image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")


@contextmanager
def decoder_errors() -> Iterator[None]:
    """Convert any exception of a decoder to an UnusableError."""
    try:
        yield
    except UnusableError:
        raise
    except Exception as error:  # decoders raise almost every kind of exception for damaged files
        is_unknown = isinstance(error, UnidentifiedImageError)
        reason = "its format is not recognised" if is_unknown else str(error) or type(error).__name__
        raise UnusableError(
            f"cannot be decoded as an image: {reason}",
            f"Expected an intact file in one of the formats {', '.join(FORMATS)}. Open it in an image editor and save"
            " it again.",
        ) from error
