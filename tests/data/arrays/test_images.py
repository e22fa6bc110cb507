"""Checks and conversions of image arrays."""

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from optotype.data.arrays.images import check_images, convert_channels, to_uint8
from optotype.errors import DataError


def _convert(array: NDArray[Any]) -> NDArray[np.uint8]:
    return to_uint8(check_images(array, name="x"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 4, 5), (3, 4, 5, 1)),
        ((3, 4, 5, 1), (3, 4, 5, 1)),
        ((3, 4, 5, 3), (3, 4, 5, 3)),
        ((3, 49), (3, 7, 7, 1)),
        ((1, 1), (1, 1, 1, 1)),
    ],
)
def test_arrays_are_reshaped_to_images(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Grey and colour images and rows of square grey images keep their pixels in order."""
    array = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    images = _convert(array)
    assert images.shape == expected
    np.testing.assert_array_equal(images.ravel(), array.ravel())


def test_pixels_divided_by_255_are_restored_exactly() -> None:
    """Every byte value divided by 255 in single precision is restored exactly."""
    bytes_ = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_array_equal(_convert(bytes_.astype(np.float32) / 255)[..., 0], bytes_)
    np.testing.assert_array_equal(_convert(bytes_.astype(np.float32) * np.float32(1 / 255))[..., 0], bytes_)


def test_values_between_bytes_are_rounded_to_nearest() -> None:
    """Values between two bytes become the nearer one, ties the even one."""
    values = np.array([[[0.4, 0.6], [0.5, 1.5]]], np.float32) / np.float32(255)
    assert _convert(values).ravel().tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("order", ["C", "F"])
def test_converted_images_are_read_only_and_independent(order: Literal["C", "F"]) -> None:
    """A writeable array is copied, a read-only one is not; the images are read-only and contiguous."""
    array = np.asarray(np.arange(24).reshape(2, 3, 4).astype(np.uint8), order=order)
    images = _convert(array)
    array[0, 0, 0] = 200
    assert images[0, 0, 0, 0] == 0
    assert images.flags.c_contiguous
    assert not images.flags.writeable
    assert array.flags.writeable
    read_only = np.ascontiguousarray(array)
    read_only.setflags(write=False)
    assert np.shares_memory(_convert(read_only), read_only)


_ZEROS = np.zeros((2, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            _ZEROS.astype(np.int64),
            r"x has dtype int64; expected uint8 or float32. Convert the images: images\.astype",
        ),
        (_ZEROS.astype(np.float64), "x has dtype float64"),
        (_ZEROS.astype(np.bool_), "x has dtype bool"),
        (_ZEROS.astype(np.float32) + 255, "contains float32 values from 255 to 255; expected 0 .. 1. Divide"),
        (_ZEROS.astype(np.float32) - 0.1, "contains float32 values from -0.1"),
        (_ZEROS.astype(np.float32) + np.float32("nan"), "x contains NaN"),
        (_ZEROS.astype(np.float32) + np.float32("inf"), "contains float32 values from inf"),
        (np.zeros((2, 48), np.uint8), r"has shape \(2, 48\); expected .* rows of square grey"),
        (np.zeros((2, 3072), np.uint8), r"has shape \(2, 3072\)"),
        (np.zeros(5, np.uint8), r"has shape \(5,\)"),
        (np.zeros((), np.uint8), r"has shape \(\)"),
        (np.zeros((1, 1, 2, 2, 1), np.uint8), "has shape"),
        (np.zeros((0, 4, 4), np.uint8), "x contains 0 images"),
        (np.zeros((0, 16), np.uint8), "x contains 0 images"),
        (np.zeros((2, 0), np.uint8), "0 x 0 pixels"),
        (np.zeros((2, 4, 4, 2), np.uint8), "2 channels; .* Resize the images"),
        (np.zeros((2, 3, 32, 32), np.uint8), r"32 channels.* Move the channels last: np\.moveaxis"),
        (np.zeros((2, 129, 4), np.uint8), "129 x 4 pixels"),
    ],
)
def test_invalid_arrays_raise_data_error(array: NDArray[np.generic], message: str) -> None:
    """An array of another dtype, shape or range is rejected, and the message says what to do."""
    with pytest.raises(DataError, match=message):
        _convert(array)


@settings(max_examples=20)
@given(st.integers(0, 1 << 16))
def test_grey_values_equal_those_of_pillow(seed: int) -> None:
    """Several chunks of images get Pillow's grey values; grey images in RGB have one value three times."""
    images = np.random.default_rng(seed).integers(0, 256, (1_003, 3, 2, 3)).astype(np.uint8)
    pillow_grey = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])[
        ..., np.newaxis
    ]
    grey = convert_channels(images, 1)
    np.testing.assert_array_equal(grey, pillow_grey)
    np.testing.assert_array_equal(convert_channels(convert_channels(grey, 3), 1), grey)
    assert convert_channels(images, 3) is images
