"""Untrained models in which all weights affect the predictions, for tests of exports."""

from dataclasses import replace

import numpy as np

from optotype.engine.layers import Layer
from optotype.engine.network import Network
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe

CLASSES = ("zero", 'a "quoted" \\ ?? */ one', "ζ 2", "%s\u2028", "4")


def untrained(
    layers: tuple[Layer, ...],
    shape: tuple[int, int, int],
    *,
    classes: tuple[str, ...] = CLASSES,
    recipe: Recipe | None = None,
) -> Model:
    """Return a model of layers and a head whose biases and moving statistics differ from their initial values."""
    chosen = recipe or Recipe(name='a */ "recipe" ??/', layers=layers)
    network = Network(chosen.network_layers(len(classes)), shape, threads=1)
    network.initialize(1)
    rng = np.random.default_rng(2)
    weights = {
        name: values + rng.uniform(0.01, 0.2, values.shape).astype(np.float32) * (values.ndim == 1)
        for name, values in network.weights().items()
    }
    return Model(chosen, shape, classes, weights)


def altered(model: Model) -> Model:
    """Return the model with one bias of the head increased by 0.01."""
    weights = {name: values.copy() for name, values in model.weights.items()}
    weights[f"{len(model.layers) - 1}.bias"][0] += 0.01
    return replace(model, weights=weights)
