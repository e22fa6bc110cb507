"""Robustness curves: the effect of each change, and the accuracy at each level."""

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine.layers import Flatten
from optotype.judging.robustness import CHANGES, Change, robustness_curves
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe

BY_NAME = {change.name: change for change in CHANGES}


def _images() -> NDArray[np.float32]:
    return np.random.default_rng(0).integers(0, 256, (40, 14, 10, 3)).astype(np.float32)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_every_change_grows_with_its_level(change: Change) -> None:
    """Levels increase from 0; each level changes the images, keeps their shape and dtype, and is reproducible."""
    assert change.levels[0] == 0
    assert list(change.levels) == sorted(set(change.levels))
    images = _images()
    gaps = []
    for level in change.levels[1:]:
        changed = change.apply(images, level)
        assert changed.shape == images.shape
        assert changed.dtype == np.float32
        np.testing.assert_array_equal(change.apply(images, level), changed)
        gaps.append(np.abs(changed - images).mean())
    assert gaps[0] > 0
    if change.name in {"Gaussian noise", "blurred", "lower contrast"}:
        assert gaps == sorted(gaps)


def test_a_shift_moves_by_whole_pixels_in_eight_directions() -> None:
    """Each image is moved by the level in one of eight directions, all of which occur; none stays in place."""
    images = _images()
    moved = BY_NAME["shifted"].apply(images, 2.0)
    seen = set()
    for image, after in zip(images, moved, strict=True):
        for y in (-2, 0, 2):
            for x in (-2, 0, 2):
                inner = np.roll(image, (-y, -x), axis=(0, 1))[2:-2, 2:-2]
                if np.array_equal(inner, after[2:-2, 2:-2]):
                    seen.add((y, x))
    assert len(seen) == 8
    assert (0, 0) not in seen


def test_a_rotation_is_about_the_centre() -> None:
    """A vertical bar becomes horizontal: it points left in some images and right in others; the centre stays."""
    images = np.zeros((30, 9, 9, 1), np.float32)
    images[:, :5, 4] = 255
    turned = BY_NAME["rotated"].apply(images, 90.0)
    left, right = turned[:, 4, :4].mean(axis=(1, 2)), turned[:, 4, 5:].mean(axis=(1, 2))
    assert set(np.round(left + right).tolist()) == {255}
    assert 0 < (left > right).sum() < 30


def test_noise_and_contrast_have_the_stated_deviation() -> None:
    """Noise of level 0.1 has a standard deviation of 25.5; lower contrast keeps the mean and reduces the deviation."""
    images = _images()
    noise = BY_NAME["Gaussian noise"].apply(images, 0.1) - images
    assert noise.std() == pytest.approx(25.5, rel=0.02)
    lowered = BY_NAME["lower contrast"].apply(images, 0.8)
    np.testing.assert_allclose(lowered.mean(axis=(1, 2, 3)), images.mean(axis=(1, 2, 3)), rtol=1e-5)
    assert lowered.std() < 0.3 * images.std()


def test_curves_use_a_sample_and_lengths_scale_with_the_images() -> None:
    """At most 2,000 images, the same at each level; for images of 56 pixels a side a step is 2 pixels."""
    recipe = Recipe(layers=(Flatten(),), batch_size=8)
    shape = (56, 56, 1)
    weights = {
        "1.kernel": np.zeros((56 * 56, 2), np.float32),
        "1.bias": np.array([1, 0], np.float32),
    }
    model = Model(recipe, shape, ("a", "b"), weights)
    images = np.zeros((2100, *shape), np.uint8)
    labels = np.arange(2100) % 3 // 2
    curves = list(robustness_curves(model, images, labels, lambda _: None))
    assert [curve.n for curve in curves] == [2000] * 5
    assert list(curves[0].levels) == [0, 2, 4, 6, 8, 12]
    # This model predicts the same class for every image.
    assert len({each.value for curve in curves for each in curve.accuracy}) == 1
    assert curves[0].accuracy[0].value == pytest.approx(2 / 3, abs=0.03)
