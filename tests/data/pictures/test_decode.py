"""Reading of image files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from optotype.data.pictures.decode import read_picture
from optotype.errors import ImageError

_GREY = np.arange(20 * 10, dtype=np.uint8).reshape(20, 10)
_COLOUR = np.stack([_GREY, 255 - _GREY, _GREY // 2], axis=2)


def _save(path: Path, pixels: NDArray[Any] | Image.Image, **options: object) -> Path:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, None, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tiff"])
def test_grey_images_are_read_exactly(tmp_path: Path, suffix: str) -> None:
    """A grey image of the right size is read pixel for pixel."""
    read = read_picture(_save(tmp_path / f"a.{suffix}", _GREY), (20, 10, 1))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, _GREY[..., np.newaxis])


@pytest.mark.parametrize(("suffix", "options"), [("png", {}), ("webp", {"lossless": True}), ("tiff", {})])
def test_colour_images_are_read_exactly(tmp_path: Path, suffix: str, options: dict[str, Any]) -> None:
    """A colour image of the right size is read pixel for pixel."""
    path = _save(tmp_path / f"a.{suffix}", _COLOUR, **options)
    np.testing.assert_array_equal(read_picture(path, (20, 10, 3)), _COLOUR)


def test_jpeg_is_read(tmp_path: Path) -> None:
    """A JPEG file is read to within its compression loss."""
    smooth = np.full((16, 16), 130, np.uint8)
    read = read_picture(_save(tmp_path / "a.jpg", smooth, quality=95), (16, 16, 1))
    assert np.abs(read.astype(int) - 130).max() <= 2


def test_grey_and_colour_are_converted(tmp_path: Path) -> None:
    """Grey becomes three equal channels; colour becomes its ITU-R 601 luma."""
    grey = read_picture(_save(tmp_path / "grey.png", _GREY), (20, 10, 3))
    np.testing.assert_array_equal(grey, np.repeat(_GREY[..., np.newaxis], 3, axis=2))
    luma = read_picture(_save(tmp_path / "colour.png", _COLOUR), (20, 10, 1))[..., 0]
    assert np.abs(luma - _COLOUR @ [0.299, 0.587, 0.114]).max() <= 1


def test_transparent_pixels_are_black(tmp_path: Path) -> None:
    """Transparent pixels are black whatever their colour; half transparent ones are half as bright."""
    pixels = np.full((1, 3, 4), 200, np.uint8)
    pixels[0, :, 3] = [0, 128, 255]
    read = read_picture(_save(tmp_path / "a.png", pixels), (1, 3, 1))
    np.testing.assert_allclose(read[0, :, 0], [0, 100, 200], atol=1)


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_colour_marked_transparent_is_black(tmp_path: Path, mode: str) -> None:
    """An image with one colour marked transparent, without an alpha channel, is black there."""
    image = Image.fromarray(np.array([[255, 90]], np.uint8)).convert(mode)
    transparent = {"L": 255, "RGB": (255, 255, 255), "P": image.getpixel((0, 0))}[mode]
    path = _save(tmp_path / "a.png", image, transparency=transparent)
    assert read_picture(path, (1, 2, 1)).ravel().tolist() == [0, 90]


def test_resizing_ignores_transparent_colours(tmp_path: Path) -> None:
    """Resizing mixes in no colour from transparent pixels."""
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[:, 0] = [255, 255, 255, 0]
    pixels[:, 1] = [100, 100, 100, 255]
    read = read_picture(_save(tmp_path / "a.png", pixels), (1, 1, 1))
    assert abs(int(read[0, 0, 0]) - 50) <= 1


def test_sixteen_bit_grey_is_scaled_to_eight(tmp_path: Path) -> None:
    """16-bit grey is scaled, not clipped."""
    path = _save(tmp_path / "a.png", np.array([[0, 257, 32768, 65535]], np.uint16))
    assert read_picture(path, (1, 4, 1)).ravel().tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("mode", ["1", "CMYK", "LA", "P"])
def test_further_colour_modes_are_read(tmp_path: Path, mode: str) -> None:
    """Black-and-white, CMYK, grey with alpha and palette images are read: white stays white."""
    image = Image.new("L", (3, 2), 255).convert(mode)
    assert (read_picture(_save(tmp_path / "a.tiff", image), (2, 3, 3)) == 255).all()


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    """A fine chessboard is reduced to uniform grey, not to a pattern."""
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    read = read_picture(_save(tmp_path / "a.png", board), (8, 8, 1))
    assert np.abs(read.astype(int) - 127).max() <= 3


def test_shape_is_height_then_width(tmp_path: Path) -> None:
    """An image is resized to (height, width), also if that stretches it."""
    assert read_picture(_save(tmp_path / "a.png", _GREY), (7, 31, 3)).shape == (7, 31, 3)


@pytest.mark.parametrize("shape", [(28, 28, 2), (0, 28, 1), (28, -1, 3)])
def test_invalid_shape_is_rejected(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    """Two channels and empty sides are rejected."""
    with pytest.raises(ImageError, match="expected at least 1 x 1 pixels and 1 or 3 channels"):
        read_picture(_save(tmp_path / "a.png", _GREY), shape)
