"""Probe networks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optotype.engine.layers import describe
from optotype.recipes.builtin import load_recipe
from optotype.training.probe_net import ProbeNetwork, probe_recipe
from tests.training.samples import dataset, pictures


@given(st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 3]), st.integers(1, 10**6))
def test_there_is_a_probe_network_for_every_shape(
    height: int, width: int, channels: int, images: int
) -> None:
    """Its layers fit images of any size, and small sets are repeated more often."""
    recipe = probe_recipe((height, width, channels), images)
    assert describe(recipe.network_layers(2), (height, width, channels))[-1].output_shape == (2,)
    assert 3 <= recipe.epochs <= 30


def test_images_like_those_of_mnist_get_its_recipe() -> None:
    """28 x 28 grey images are probed with the layers of mnist-quick."""
    assert probe_recipe((28, 28, 1), 10_000).layers == load_recipe("mnist-quick").layers


def test_it_is_trained_on_the_given_rows_only() -> None:
    """Other images and labels do not change the weights, and so no prediction."""
    data, rows = dataset(200), np.arange(0, 200, 3)
    others = np.setdiff1d(np.arange(200), rows)
    changed = dataset(200)
    changed.images[others], changed.labels[others] = 0, 0
    first, second = (ProbeNetwork(each, rows, seed=1) for each in (data, changed))
    images, labels = pictures(50, 3)
    assert np.array_equal(first.predict_proba(images), second.predict_proba(images))
    assert (first.predict(images) == labels).mean() > 0.9


def test_probabilities_belong_to_the_predicted_classes() -> None:
    """Probabilities sum to 1, are largest for the predicted class, and depend on the seed."""
    data, images = dataset(100), pictures(20, 3)[0]
    network = ProbeNetwork(data, np.arange(100), seed=0)
    probabilities = network.predict_proba(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), network.predict(images))
    other = ProbeNetwork(data, np.arange(100), seed=1).predict_proba(images)
    assert not np.array_equal(probabilities, other)
