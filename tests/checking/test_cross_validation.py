"""The quick net, and its predictions of what it was not trained on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.checking.quick_net import _folds, out_of_fold, quick_recipe
from optotype.engine.layers import describe
from tests.checking.samples import textured, textures


@given(st.integers(1, 32), st.integers(1, 32), st.sampled_from([1, 3]), st.integers(1, 10**6))
def test_there_is_a_quick_net_for_every_shape(height: int, width: int, channels: int, images: int) -> None:
    """Its layers fit images of any sides up to 32 pixels, and small sets are gone through more often."""
    recipe = quick_recipe((height, width, channels), images)
    assert describe(recipe.network_layers(2), (height, width, channels))[-1].output_shape == (2,)
    assert 3 <= recipe.epochs <= 30


def test_easy_classes_are_told_apart_unseen() -> None:
    """On classes that are easily told, nets are right on the images they were not trained on, and on new ones."""
    nets = out_of_fold(textured(), np.arange(300))
    assert nets.accuracy(textured().labels) > 0.95
    images, labels = textures(30, 3)
    assert np.mean(nets.of_others(images).argmax(axis=1) == labels) > 0.95


def test_a_small_set_in_colour_is_learnt() -> None:
    """A few hundred steps are enough for batch normalization, whose moving statistics decide what is predicted."""
    images, labels = textures(300, 1, side=30, channels=3)
    assert out_of_fold(textured(images=images), np.arange(300)).accuracy(labels) > 0.95


def test_a_label_is_not_learnt_from_its_own_image() -> None:
    """With labels by chance nets are right by chance: none was trained on what it is asked."""
    labels = np.random.default_rng(0).integers(0, 3, 300)
    assert out_of_fold(textured(labels=labels), np.arange(300)).accuracy(labels) == pytest.approx(
        1 / 3, abs=0.12
    )


def test_the_same_data_give_the_same_probabilities() -> None:
    """Nothing is drawn from a stream, and threads change nothing."""
    one, other = (out_of_fold(textured(60), np.arange(60), threads).probabilities for threads in (1, 2))
    assert np.array_equal(one, other)


def test_an_image_is_not_learnt_from_its_copy() -> None:
    """With labels by chance and every image there twice, nets are right by chance: a net sees both copies or none."""
    once = np.random.default_rng(0).integers(0, 3, 150)
    labels = np.tile(once, 2)
    data = textured(images=np.tile(textured(150).images, (2, 1, 1, 1)), labels=labels)
    apart = out_of_fold(data, np.tile(np.arange(150), 2))
    assert apart.accuracy(labels) == pytest.approx(1 / 3, abs=0.15)
    assert out_of_fold(data, np.arange(300)).accuracy(labels) > apart.accuracy(labels) + 0.2


def test_every_net_is_trained_without_a_fifth() -> None:
    """Folds have a fifth of each class, where images have no copies."""
    folds = _folds(np.arange(300) % 3, np.arange(300)[::-1])
    for label in range(3):
        assert np.bincount(folds[label::3]).tolist() == [20] * 5


def test_every_processor_finds_alike() -> None:
    """Nets compute in single precision, also where the processor would offer another."""
    nets = out_of_fold(textured(60), np.arange(60)).nets
    assert {net.precision for net in nets} == {"fp32"}
