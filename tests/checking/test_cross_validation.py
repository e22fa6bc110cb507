"""Cross-validation with probe networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.checking.cross_validation import _assign_folds, cross_validate, probe_recipe
from optotype.engine.layers import describe
from optotype.recipes.builtin import load_recipe
from tests.checking.samples import textured, textures


@given(st.integers(1, 32), st.integers(1, 32), st.sampled_from([1, 3]), st.integers(1, 10**6))
def test_there_is_a_probe_network_for_every_shape(
    height: int, width: int, channels: int, images: int
) -> None:
    """Its layers fit images with sides of up to 32 pixels, and small sets are repeated more often."""
    recipe = probe_recipe((height, width, channels), images)
    assert describe(recipe.network_layers(2), (height, width, channels))[-1].output_shape == (2,)
    assert 3 <= recipe.epochs <= 30


def test_images_like_those_of_mnist_get_its_recipe() -> None:
    """28 x 28 grey images are probed with the layers of mnist-quick."""
    assert probe_recipe((28, 28, 1), 10_000).layers == load_recipe("mnist-quick").layers


def test_easy_classes_are_told_apart_in_held_out_images() -> None:
    """With easy classes, networks classify images that they were not trained on correctly, and new ones too."""
    probe = cross_validate(textured(), np.arange(300))
    assert probe.accuracy(textured().labels) > 0.95
    images, labels = textures(30, 3)
    assert np.mean(probe.predict_proba(images).argmax(axis=1) == labels) > 0.95


def test_a_small_set_in_colour_is_learned() -> None:
    """A few hundred steps suffice for batch normalization, whose moving statistics determine predictions."""
    images, labels = textures(300, 1, side=30, channels=3)
    assert cross_validate(textured(images=images), np.arange(300)).accuracy(labels) > 0.95


def test_a_label_is_not_learned_from_its_own_image() -> None:
    """With random labels, accuracy is at chance: no network predicts an image that it was trained on."""
    labels = np.random.default_rng(0).integers(0, 3, 300)
    assert cross_validate(textured(labels=labels), np.arange(300)).accuracy(labels) == pytest.approx(
        1 / 3, abs=0.12
    )


def test_the_same_data_give_the_same_probabilities() -> None:
    """Results are deterministic and do not depend on the number of threads."""
    first, second = (cross_validate(textured(60), np.arange(60), threads).probabilities for threads in (1, 2))
    assert np.array_equal(first, second)


def test_an_image_is_not_learned_from_its_copy() -> None:
    """With random labels and two copies of every image, accuracy is at chance: both copies are in the same fold."""
    half = np.random.default_rng(0).integers(0, 3, 150)
    labels = np.tile(half, 2)
    data = textured(images=np.tile(textured(150).images, (2, 1, 1, 1)), labels=labels)
    grouped = cross_validate(data, np.tile(np.arange(150), 2))
    assert grouped.accuracy(labels) == pytest.approx(1 / 3, abs=0.15)
    assert cross_validate(data, np.arange(300)).accuracy(labels) > grouped.accuracy(labels) + 0.2


def test_every_fold_has_a_fifth_of_each_class() -> None:
    """Without copies, the folds of a class have equal sizes."""
    folds = _assign_folds(np.arange(300) % 3, np.arange(300)[::-1])
    for label in range(3):
        assert np.bincount(folds[label::3]).tolist() == [20] * 5


def test_results_do_not_depend_on_the_processor() -> None:
    """Networks compute in fp32, even if the processor supports another precision."""
    networks = cross_validate(textured(60), np.arange(60)).networks
    assert {network.precision for network in networks} == {"fp32"}
