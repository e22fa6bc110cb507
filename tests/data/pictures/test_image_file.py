"""Opening of image files, without trusting the file."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from optotype.data.pictures import image_file
from optotype.data.pictures.decode import read_picture
from optotype.data.pictures.image_file import FORMATS
from optotype.errors import ImageError

_GREY = np.arange(20 * 10, dtype=np.uint8).reshape(20, 10)
_COLOUR = np.stack([_GREY, 255 - _GREY, _GREY // 2], axis=2)


def _save(path: Path, pixels: NDArray[Any] | Image.Image, **options: object) -> Path:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, None, **options)
    return path


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bit_grey_is_rejected(tmp_path: Path, kind: type[np.generic]) -> None:
    """Grey values without a known white are rejected."""
    with pytest.raises(ImageError, match="32-bit grey"):
        read_picture(_save(tmp_path / "a.tiff", np.zeros((2, 2), kind)), (2, 2, 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """All eight EXIF orientations give the upright image."""
    transforms: list[Callable[[NDArray[Any]], NDArray[Any]]] = [
        lambda a: a,
        np.fliplr,
        lambda a: np.rot90(a, 2),
        np.flipud,
        np.transpose,
        lambda a: np.rot90(a, -1),
        lambda a: np.rot90(a, 2).T,
        np.rot90,
    ]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _save(tmp_path / "a.png", _GREY, exif=exif)
    upright = transforms[orientation - 1](_GREY)
    np.testing.assert_array_equal(read_picture(path, (*upright.shape, 1))[..., 0], upright)


def test_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    """The first frame of an animation is read."""
    frames = [Image.new("L", (2, 2), value) for value in (40, 200)]
    path = _save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert (read_picture(path, (2, 2, 1)) == 40).all()


def test_unsupported_formats_are_rejected(tmp_path: Path) -> None:
    """An unsupported format is rejected even if Pillow knows it, whatever the file's name."""
    path = tmp_path / "a.png"
    Image.fromarray(_GREY).save(path, format="PPM")
    with pytest.raises(ImageError, match=f"{path} cannot be decoded .*format is not recognised.*PNG, JPEG"):
        read_picture(path, (20, 10, 1))


def _png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (8001, 8000, "8001 x 8000 pixels; expected at most 64000000"),
        (10_000, 10_000, "10000 x 10000 pixels; expected"),  # where Pillow warns
        (100_000, 100_000, "cannot be decoded as an image"),  # where Pillow raises
        (2**31 - 1, 2**31 - 1, "cannot be decoded as an image"),
    ],
)
def test_large_images_are_rejected_by_their_header(
    tmp_path: Path, width: int, height: int, message: str
) -> None:
    """An image that would fill the memory is rejected before a pixel is decoded."""
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(width, height))
    with pytest.raises(ImageError, match=message):
        read_picture(path, (28, 28, 1))


def test_large_files_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file above the limit is rejected by its size alone."""
    monkeypatch.setattr(image_file, "MAX_BYTES", 10)
    with pytest.raises(ImageError, match="bytes; expected at most 10"):
        read_picture(_save(tmp_path / "a.png", _GREY), (20, 10, 1))


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"])
def test_content_that_is_not_an_image_raises_image_error(tmp_path: Path, content: bytes) -> None:
    """Empty files, text and bare signatures raise an error with the file's name."""
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"{path} cannot be decoded as an image"):
        read_picture(path, (28, 28, 1))


def test_missing_file_raises_image_error(tmp_path: Path) -> None:
    """A missing file and a folder are named in the error."""
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(ImageError, match=f"{path} is not a file"):
            read_picture(str(path), (28, 28, 1))


def _returns_pixels_or_raises_image_error(path: Path) -> bool:
    """Return whether reading gives pixels; else check that an ImageError names the file."""
    try:
        return read_picture(path, (8, 8, 3)).shape == (8, 8, 3)
    except ImageError as error:
        return str(path) in str(error)


@pytest.mark.parametrize("name", FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_image_returns_pixels_or_raises_image_error(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    """If bytes are changed or cut off, reading returns pixels or raises ImageError."""
    buffer = io.BytesIO()
    Image.fromarray(_COLOUR).save(buffer, name)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert _returns_pixels_or_raises_image_error(path)
