"""Preprocessing of a digit as for MNIST."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from optotype.data.load import load
from optotype.data.pictures.digits import fit_digit
from optotype.errors import ImageError

_CENTRE = 14  # the pixel that MNIST's centres of mass lie in


def _corner(width: int, height: int, ink: int, paper: int) -> NDArray[np.uint8]:
    """Draw an L near the corner of a large sheet."""
    sheet = np.full((150, 200), paper, np.uint8)
    sheet[5 : 5 + height, 8 : 8 + width // 3] = ink
    sheet[5 + height - height // 5 : 5 + height, 8 : 8 + width] = ink
    return sheet


@given(st.integers(15, 180), st.integers(15, 140), st.booleans())
def test_digit_is_bright_20_pixels_large_and_centred(width: int, height: int, dark: bool) -> None:
    """For any size and polarity, the ink's longer side has 20 pixels and its mass is centred."""
    digit = fit_digit(_corner(width, height, *((30, 220) if dark else (220, 30))))
    assert digit.dtype == np.uint8
    assert (digit.shape, digit.max()) == ((28, 28), 255)
    inked = digit > 10  # a line that is thin before it is made small is faint after
    sides = [np.flatnonzero(inked.any(axis=axis)) for axis in (0, 1)]
    assert 18 <= max(side[-1] - side[0] + 1 for side in sides) <= 20
    for axis in (0, 1):
        mass = digit.sum(axis=axis, dtype=float)
        assert (
            abs((mass * np.arange(28)).sum() / mass.sum() - _CENTRE) <= 1.5
        )  # an L's foot may keep it from there


def test_mnist_digit_is_almost_unchanged() -> None:
    """MNIST's own images are already preprocessed: of a hundred, none changes by more than an eighth of the range."""
    images = load("mnist").images[:100, ..., 0]
    changes = [np.abs(fit_digit(image).astype(float) - image).mean() for image in images]
    assert np.mean(changes) < 8
    assert max(changes) < 32


def test_specks_shade_and_noise_are_ignored() -> None:
    """Uneven light, noise and a distant speck leave a digit almost unchanged."""
    plain = _corner(60, 90, 40, 210).astype(float)
    noisy = plain - np.linspace(0, 50, 200) + np.random.default_rng(0).normal(0, 5, plain.shape)
    noisy[145:148, 190:193] = 20
    digit = fit_digit(np.clip(noisy, 0, 255).astype(np.uint8))
    assert np.abs(digit.astype(float) - fit_digit(plain.astype(np.uint8))).mean() < 8


@pytest.mark.parametrize("ink", [0, 255])
def test_transparent_pixels_are_background(ink: int) -> None:
    """Ink of either polarity on transparency is found; so it is with 16 bits, a palette and an EXIF orientation."""
    sheet = _corner(60, 90, 255, 0)
    transparent = Image.merge("LA", [Image.new("L", (200, 150), ink), Image.fromarray(sheet)])
    expected = fit_digit(sheet).astype(float)
    deep = Image.fromarray(sheet.astype(np.uint16) * 257)
    for image in (transparent, transparent.convert("RGBA"), deep, Image.fromarray(sheet).convert("P")):
        assert np.abs(fit_digit(image) - expected).max() <= 3
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(sheet)).save(content, "PNG", exif=exif)
    assert np.abs(fit_digit(content.getvalue()) - expected).max() <= 3


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((50, 50), 200, np.uint8), "shows nothing that stands out"),
        (np.zeros((1, 1), np.uint8), "shows nothing that stands out"),
        (np.random.default_rng(0).integers(100, 140, (60, 60), np.uint8), "shows nothing that stands out"),
        (np.zeros((0, 5), np.uint8), "shape (0, 5)"),
        (np.zeros((2, 28, 28), np.uint8), "pass one digit at a time"),
        (np.zeros((28, 28)), "float64"),
        ("nowhere.png", "nowhere.png is not a file"),
        (b"no picture", "passed as bytes cannot be decoded"),
    ],
)
def test_images_without_a_digit_are_rejected(image: str | bytes | NDArray[np.uint8], message: str) -> None:
    """Blank paper, noise, arrays of other shapes and bytes that are not an image are rejected."""
    with pytest.raises(ImageError, match=re.escape(message)):
        fit_digit(image)


@given(st.binary(max_size=64), st.integers(1, 40), st.integers(1, 40))
def test_any_pixels_return_a_digit_or_raise_an_error(content: bytes, height: int, width: int) -> None:
    """For any pixels, the result is 28 x 28 with a maximum of 255, or an error."""
    pixels = np.resize(np.frombuffer(content or b"\0", np.uint8), (height, width))
    try:
        digit = fit_digit(pixels)
    except ImageError:
        return
    assert (digit.shape, digit.max()) == ((28, 28), 255)
