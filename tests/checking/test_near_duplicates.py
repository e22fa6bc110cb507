"""Near duplicates: what counts as one, and what does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.checking.near_duplicates import NEAR, Images, Likeness, residuals
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
def test_altered_pictures_are_found_with_what_they_are_copies_of(alter: object, channels: int) -> None:
    """Copies that were shifted, darkened or made noisy are found within a set and from outside, and nothing else is."""
    assert callable(alter)
    images, labels = textures(300, 1, side=24, channels=channels)
    copies = alter(images[:20])
    across = Likeness(images, labels).across(copies, labels[:20])
    assert across.asked.tolist() == across.found.tolist() == list(range(20))
    assert across.difference.max() < NEAR
    within = Likeness(np.concatenate([images, copies]), np.concatenate([labels, labels[:20]])).within()
    found = {tuple(sorted(pair)) for pair in zip(within.asked.tolist(), within.found.tolist(), strict=True)}
    assert found == {(place, 300 + place) for place in range(20)}


def test_more_copies_than_neighbours_are_found_too() -> None:
    """Fifteen frames of one scene do not pass for what is usual, although each has ten neighbours like itself."""
    images, labels = textures(300, 1, side=24)
    frames = _noisy(images[[0]].repeat(14, axis=0))
    within = Likeness(np.concatenate([images, frames]), np.concatenate([labels, labels[[0] * 14]])).within()
    assert set(within.asked.tolist()) == {0, *range(300, 314)}


def test_single_colours_are_nobodys_copies() -> None:
    """Pictures of a single colour among others are no near duplicates: there is nothing in them to compare."""
    images, labels = textures(100, 1)
    images[:4] = np.array([0, 80, 160, 255], np.uint8).reshape(4, 1, 1, 1)
    within = Likeness(images, labels).within()
    assert len(within.asked) == 0


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(0, 3), st.floats(0.3, 1))
def test_residuals_forgive_position_and_exposure(seed: int, down: int, right: int, share: float) -> None:
    """What differs in a shift inside the frame and in brightness alone leaves next to nothing, in either direction."""
    inner = np.random.default_rng(seed).integers(100, 256, (1, 9, 9, 1))
    one, other = np.zeros((2, 1, 24, 24, 1))
    one[:, 6:15, 6:15] = inner
    other[:, 6 + down : 15 + down, 6 + right : 15 + right] = inner * share
    ones, others = (np.rint(each).astype(np.uint8) for each in (one, other))
    assert residuals(ones, others)[0] < 0.02
    assert residuals(ones, others)[0] == pytest.approx(residuals(others, ones)[0], abs=1e-3)
