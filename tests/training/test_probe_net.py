"""Probe networks."""

import numpy as np

from optotype.recipes.recipe import Recipe
from optotype.training.probe_net import ProbeNetwork
from tests.training.samples import dataset, pictures, recipe


def _recipe(seed: int = 0) -> Recipe:
    return recipe(epochs=8, validation=0, seed=seed)


def test_it_is_trained_on_the_given_rows_only() -> None:
    """Other images and labels do not change its predictions, and it learns easy classes."""
    data, rows = dataset(200), np.arange(0, 200, 3)
    others = np.setdiff1d(np.arange(200), rows)
    changed = dataset(200)
    changed.images[others], changed.labels[others] = 0, 0
    first, second = (ProbeNetwork(each, rows, _recipe()) for each in (data, changed))
    images, labels = pictures(50, 3)
    assert np.array_equal(first.predict_proba(images), second.predict_proba(images))
    assert (first.predict(images) == labels).mean() > 0.9


def test_probabilities_belong_to_the_predicted_classes() -> None:
    """Probabilities sum to 1, are largest for the predicted class, and depend on the seed."""
    data, images = dataset(100), pictures(20, 3)[0]
    network = ProbeNetwork(data, np.arange(100), _recipe())
    probabilities = network.predict_proba(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), network.predict(images))
    other = ProbeNetwork(data, np.arange(100), _recipe(seed=1)).predict_proba(images)
    assert not np.array_equal(probabilities, other)


def test_it_computes_in_fp32() -> None:
    """The precision is fp32, also if the recipe says "auto" and the processor has AMX."""
    assert ProbeNetwork(dataset(50), np.arange(50), _recipe()).precision == "fp32"
