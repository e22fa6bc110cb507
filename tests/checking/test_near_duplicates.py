"""Near duplicates: which pairs are found and which are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.checking.near_duplicates import MAX_DIFFERENCE, Images, NearDuplicateIndex, residuals
from tests.checking.samples import textures

RNG = np.random.default_rng(5)


def _shifted(images: Images) -> Images:
    shifted: Images = np.pad(images, ((0, 0), (0, 0), (1, 0), (0, 0)), "edge")[:, :, :-1]
    return shifted


def _noisy(images: Images) -> Images:
    noisy: Images = np.clip(np.rint(images + RNG.normal(0, 6, images.shape)), 0, 255).astype(np.uint8)
    return noisy


def _darker(images: Images) -> Images:
    darker: Images = np.rint(images * 0.7).astype(np.uint8)
    return darker


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alter", [_shifted, _noisy, _darker], ids=["shifted", "noisy", "darker"])
def test_altered_copies_are_found(alter: object, channels: int) -> None:
    """Shifted, darkened and noisy copies are found within the index and from outside, with their originals only."""
    assert callable(alter)
    images, labels = textures(300, 1, side=24, channels=channels)
    copies = alter(images[:20])
    pairs = NearDuplicateIndex(images, labels).find(copies, labels[:20])
    assert pairs.queries.tolist() == pairs.matches.tolist() == list(range(20))
    assert pairs.differences.max() < MAX_DIFFERENCE
    within = NearDuplicateIndex(
        np.concatenate([images, copies]), np.concatenate([labels, labels[:20]])
    ).find_within()
    matched = zip(within.queries.tolist(), within.matches.tolist(), strict=True)
    assert {tuple(sorted(pair)) for pair in matched} == {(place, 300 + place) for place in range(20)}


def test_more_copies_than_neighbours_are_found_too() -> None:
    """Fifteen frames of one scene are near duplicates, although all ten neighbours of each are copies."""
    images, labels = textures(300, 1, side=24)
    frames = _noisy(images[[0]].repeat(14, axis=0))
    within = NearDuplicateIndex(
        np.concatenate([images, frames]), np.concatenate([labels, labels[[0] * 14]])
    ).find_within()
    assert set(within.queries.tolist()) == {0, *range(300, 314)}


def test_images_of_a_single_colour_are_no_near_duplicates() -> None:
    """Images of a single colour have no structure to compare."""
    images, labels = textures(100, 1)
    images[:4] = np.array([0, 80, 160, 255], np.uint8).reshape(4, 1, 1, 1)
    within = NearDuplicateIndex(images, labels).find_within()
    assert len(within.queries) == 0


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(0, 3), st.floats(0.3, 1))
def test_residuals_ignore_position_and_exposure(seed: int, down: int, right: int, share: float) -> None:
    """Images that differ only by a shift inside the frame and in brightness have a residual near 0, in either order."""
    inner = np.random.default_rng(seed).integers(100, 256, (1, 9, 9, 1))
    left, right_image = np.zeros((2, 1, 24, 24, 1))
    left[:, 6:15, 6:15] = inner
    right_image[:, 6 + down : 15 + down, 6 + right : 15 + right] = inner * share
    images, others = (np.rint(image).astype(np.uint8) for image in (left, right_image))
    assert residuals(images, others)[0] < 0.02
    assert residuals(images, others)[0] == pytest.approx(residuals(others, images)[0], abs=1e-3)
