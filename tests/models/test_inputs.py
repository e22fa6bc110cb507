"""Conversion of a caller's images to the array that a network takes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from optotype.errors import DataError
from optotype.models.inputs import as_batch

_GREY, _COLOUR = (4, 3, 1), (2, 2, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(
    ("given_shape", "shape"),
    [
        ((5, 4, 3, 1), _GREY),
        ((5, 4, 3), _GREY),
        ((5, 12), _GREY),
        ((5, 2, 2, 3), _COLOUR),
        ((5, 12), _COLOUR),
    ],
)
def test_accepted_shapes(dtype: type, given_shape: tuple[int, ...], shape: tuple[int, int, int]) -> None:
    """Images, grey images without their channel, and flat rows become one batch with the same pixels and dtype."""
    images: Any = (np.arange(60).reshape(given_shape) / (60 if dtype == np.float32 else 1)).astype(dtype)
    batch = as_batch(images, shape)
    assert batch.shape == (5, *shape)
    assert batch.dtype == dtype
    np.testing.assert_array_equal(batch.ravel(), images.ravel())


def test_strided_images_become_contiguous() -> None:
    """A strided view is copied to contiguous memory."""
    images = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 4, 6)[:, ::-1, ::2]
    batch = as_batch(images, _GREY)
    assert batch.flags.c_contiguous
    np.testing.assert_array_equal(batch[..., 0], images)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (
            np.zeros((4, 3), np.uint8),
            "shape (4, 3); expected (n, 4, 3, 1) or (n, 12) or (n, 4, 3). Add the first",
        ),
        (np.zeros((4, 3, 1), np.uint8), "Add the first axis: images[np.newaxis]."),
        (np.zeros(12, np.uint8), "Add the first axis"),
        (np.zeros((2, 3, 4), np.uint8), "Resize the images."),
        (np.zeros((2, 13), np.uint8), "shape (2, 13)"),
        ([np.zeros((1, 4, 3, 1), np.uint8)], "4 axes; expected one image of shape (4, 3, 1)"),
        ([np.zeros((1,) * 64, np.uint8)], "64 axes; expected one image of shape (4, 3, 1)"),
        (np.array(3, np.uint8), "shape ()"),
        (
            np.zeros((1, 4, 3)),
            "dtype float64; expected uint8 or float32. Convert the images: images.astype(np.uint8)",
        ),
        (np.zeros((1, 4, 3), np.int64), "dtype int64"),
        (np.zeros((1, 4, 3), bool), "dtype bool"),
        (np.zeros((1, 4, 3), ">f4"), "dtype >f4"),
        (np.zeros((1, 4, 3), object), "dtype object"),
        (
            np.full((1, 4, 3), 255, np.float32),
            "from 255 to 255; expected 0 .. 1. Divide pixels in 0 .. 255 by 255",
        ),
        (np.full((1, 4, 3), -0.1, np.float32), "from -0.1 to -0.1"),
        (np.full((1, 4, 3), np.inf, np.float32), "from inf to inf"),
        (np.full((1, 4, 3), np.nan, np.float32), "contains NaN"),
        ([np.zeros((3, 4), np.uint8)], "shape (1, 3, 4)"),
        ([np.zeros((1, 4, 3), np.uint8)], "shape (1, 1, 4, 3)"),
        ([np.zeros((4, 3), np.uint8), np.zeros((4, 3), np.float32)], "float32 and uint8"),
        ([np.full((4, 3), 2, np.float32)], "from 2 to 2"),
        ([[1, 2], [3, 4]], "type list; expected an array, an image file (a path, bytes,"),
        (3, "type int"),
        (b"", "passed as bytes cannot be decoded as an image"),
        ("nowhere.png", "nowhere.png is not a file"),
        (Image.new("F", (3, 4)), "The image opened by Pillow has 32-bit grey values"),
        (None, "type NoneType"),
        ({"a": 1}, "type dict"),
    ],
)
def test_rejected(images: object, sentence: str) -> None:
    """Invalid images are rejected with their fault and what to do."""
    with pytest.raises(DataError) as caught:
        as_batch(images, _GREY)  # type: ignore[arg-type]  # that is the point
    assert sentence in str(caught.value)


def test_one_picture_in_every_form_is_one_image(tmp_path: Path) -> None:
    """A path, its text, its bytes, an image of Pillow and an array give the same pixels, alone and in a list."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3), np.uint8)
    picture, path = Image.fromarray(pixels), tmp_path / "a.png"
    picture.save(path)
    forms: list[Any] = [
        path,
        str(path),
        path.read_bytes(),
        picture,
        Image.open(path),
        pixels,
        pixels[..., np.newaxis],
    ]
    for form in forms[:5]:
        np.testing.assert_array_equal(as_batch(form, _GREY)[0, ..., 0], pixels)
    assert (as_batch(forms, _GREY)[..., 0] == pixels).all()
    assert as_batch([], _GREY).shape == (0, *_GREY)


def test_a_picture_of_pillows_is_turned_upright_and_stays_as_it_was() -> None:
    """The EXIF orientation is applied, and the caller's image is not changed."""
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    picture.getexif()[0x0112] = 6
    turned = as_batch(picture, _GREY)[0, ..., 0]
    np.testing.assert_array_equal(turned, np.rot90(np.arange(12).reshape(3, 4), -1))
    assert picture.size == (4, 3)
    assert picture.getexif()[0x0112] == 6


@given(hnp.arrays(np.float32, (2, 12), elements=st.floats(width=32)))
def test_any_float_is_in_range_or_rejected(images: np.ndarray) -> None:
    """Exactly the float32 arrays of finite numbers in 0..1 are accepted."""
    if ((images >= 0) & (images <= 1)).all():
        assert len(as_batch(images, _GREY)) == 2
    else:
        with pytest.raises(DataError):
            as_batch(images, _GREY)
