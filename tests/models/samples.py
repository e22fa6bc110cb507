"""Small models for tests of models and runs."""

from dataclasses import replace
from functools import cache

import numpy as np

from optotype.engine.layers import BatchNormalization, Dense, Flatten, Layer
from optotype.engine.network import Network
from optotype.models.calibration import Calibration
from optotype.models.golden import GoldenImages
from optotype.models.model import Model
from optotype.models.novelty import NoveltyDetector
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import Recipe

SHAPE = (4, 3, 1)
CLASSES = ("zero", "one", "a [bold] ζ")
LAYERS: tuple[Layer, ...] = (Flatten(), BatchNormalization(), Dense(5, "relu"))


def small_model(
    seed: int = 0, recipe: Recipe | None = None, shape: tuple[int, int, int] = SHAPE, note: str = "test"
) -> Model:
    """Return an untrained model of a few weights, with a provenance that has one unknown key."""
    recipe = recipe or Recipe(layers=LAYERS)
    network = Network(recipe.network_layers(len(CLASSES)), shape, threads=1)
    network.initialize(seed)
    return Model(recipe, shape, CLASSES, network.weights(), Provenance.from_json({"note": note}))


@cache
def calibrated_model() -> Model:
    """Return an untrained model with a calibration and a novelty detector that was fitted on dark images."""
    model = small_model()
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 64, (60, *SHAPE), np.uint8), rng.integers(0, len(CLASSES), 60)
    network = Network(model.layers, SHAPE, threads=1)
    network.set_weights(model.weights)
    return Model(
        model.recipe,
        SHAPE,
        CLASSES,
        model.weights,
        model.provenance,
        Calibration.fit(network.logits(images), labels),
        NoveltyDetector.fit(network, images, labels, images),
    )


@cache
def complete_model() -> Model:
    """Return an untrained model with every part: calibration, novelty detector and 32 golden images."""
    model = calibrated_model()
    images = np.random.default_rng(2).integers(0, 256, (32, *SHAPE), np.uint8)
    return replace(model, golden=GoldenImages.compute(model.network, images))
