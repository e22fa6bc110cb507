"""Thumbnails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.checking.thumbnails import SIDE, thumbnails


def test_small_images_are_not_copied() -> None:
    """Images with sides of up to 32 pixels are returned as the same array."""
    images = np.zeros((3, 32, 20, 3), np.uint8)
    assert thumbnails(images) is images


@given(st.integers(1, 128), st.integers(1, 128), st.sampled_from([1, 3]))
def test_large_images_become_small(height: int, width: int, channels: int) -> None:
    """Sides shrink to at most 32 pixels, with the same mean brightness."""
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels)).astype(np.uint8)
    small = thumbnails(images)
    assert small.dtype == np.uint8
    assert max(small.shape[1:3]) <= SIDE
    assert min(small.shape[1:3]) >= 1
    if height % small.shape[1] == width % small.shape[2] == 0:
        assert small.mean() == pytest.approx(images.mean(), abs=0.6)
