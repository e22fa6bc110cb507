"""Reading a picture file into the shape a model expects, without trusting the file.

Only the decoders of common formats may run, on files and pictures of bounded size, and whatever goes wrong in one
is an ImageError that names the file. Transparency is put on black, which is what nothing looks like in MNIST.
"""

import threading
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from optotype.errors import ImageError

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MOST_PIXELS: Final = 64_000_000
MOST_BYTES: Final = 256 << 20

_MODES: Final = {1: "L", 3: "RGB"}
# warnings.catch_warnings changes the whole process: one thread at a time.
_quiet = threading.Lock()


def read_picture(path: str | Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Read a picture: turned upright (EXIF), on black where transparent, in grey or colour, resized to fit.

    Of several frames or pages the first is read. A picture of another size is stretched to the shape, antialiased
    (Pillow's bilinear filter, whose support grows with the reduction).

    Args:
        path: A PNG, JPEG, WebP, BMP, GIF or TIFF file of at most 256 MiB and 64 megapixels.
        shape: What to return: (height, width, channels) with 1 channel for grey (ITU-R 601 luma) or 3 for RGB.

    Returns:
        uint8 array of that shape.

    Raises:
        ImageError: The file is missing, too large, damaged or of another format, or the shape is impossible.
    """
    path = Path(path)
    height, width, channels = shape
    if channels not in _MODES or height < 1 or width < 1:
        raise ImageError(
            f"{path} cannot be read as {height} x {width} pixels with {channels} channels, expected at least"
            " 1 x 1 with 1 or 3 channels. Use a model for such images."
        )
    try:
        _check_file(path)
        with _quiet, warnings.catch_warnings():
            # Pillow warns of what we check ourselves (size) and of oddities in metadata we do not use.
            warnings.simplefilter("ignore")
            return _decode(path, (width, height), _MODES[channels]).reshape(shape)
    except ImageError:
        raise
    except Exception as error:  # a decoder fed a damaged file raises nearly every kind there is
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "its format is not recognised" if unknown else str(error) or type(error).__name__
        raise ImageError(
            f"{path} cannot be read as a picture: {reason}. Expected a sound file of one of the formats"
            f" {', '.join(FORMATS)}; open and save it again with an image program."
        ) from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ImageError(f"{path} is not a file, expected a picture. Check the path.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ImageError(f"{path} has {size} bytes, expected at most {MOST_BYTES}. Save it smaller.")


def _decode(path: Path, size: tuple[int, int], mode: str) -> NDArray[np.uint8]:
    with Image.open(path, formats=FORMATS) as image:
        # Known from the header: no pixel has been decoded yet.
        if image.width * image.height > MOST_PIXELS:
            raise ImageError(
                f"{path} has {image.width} x {image.height} pixels, expected at most {MOST_PIXELS} in all."
                " Save it smaller."
            )
        ImageOps.exif_transpose(image, in_place=True)
        picture = _opaque_or_rgba(path, image, mode)
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        if picture.mode == "RGBA":
            black = Image.new("RGBA", size, (0, 0, 0, 255))
            picture = Image.alpha_composite(black, picture).convert(mode)
        return np.array(picture, np.uint8)


def _opaque_or_rgba(path: Path, image: Image.Image, mode: str) -> Image.Image:
    """Convert to 8 bits a channel: RGBA where anything may be transparent, else the mode asked for."""
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit grey at 255 and give a white picture.
        wide = np.asarray(image).astype(np.float32)
        image = Image.fromarray(np.rint(wide / 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ImageError(
            f"{path} has 32-bit grey values, expected 8 or 16 bits. Save it with 8 bits a channel."
        )
    return image.convert("RGBA" if image.has_transparency_data else mode)
