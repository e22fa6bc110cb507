"""Probe networks: small networks that are trained briefly to measure something about images."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.splits import Split, fingerprint_of
from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Flatten, Layer, MaxPooling2D
from optotype.engine.network import Images
from optotype.engine.optimizers import Adam
from optotype.engine.schedules import OneCycle
from optotype.metrics import softmax
from optotype.recipes.builtin import load_recipe
from optotype.recipes.recipe import Recipe
from optotype.training.loop import epochs
from optotype.training.plan import TrainingPlan, build_network

# Enough for the accuracy to level off. Small sets are repeated more often, up to a limit.
_IMAGES_SEEN: Final = 50_000
_MIN_EPOCHS: Final = 3
_MAX_EPOCHS: Final = 30
# Of batch normalization's moving statistics. A small set gets only a few hundred steps. With the usual 0.99 the
# statistics are not accurate by then, and predictions are useless.
_MOMENTUM: Final = 0.9
_MIN_POOLED_SIDE: Final = 8  # pixels


class ProbeNetwork:
    """A small network, trained on some images of a data set.

    It computes in fp32 on every processor, so that measurements do not depend on whether the processor has AMX.

    Args:
        data: Images and labels.
        rows: int64 indices of the images to train on, at least one.
        seed: Determines the initial weights and the order of the images.
        threads: Number of threads; every core by default. It does not change the result.

    Attributes:
        precision: The precision in use, always "fp32".
    """

    def __init__(
        self, data: Dataset, rows: NDArray[np.int64], *, seed: int, threads: int | None = None
    ) -> None:
        recipe = probe_recipe(data.shape, len(rows)).override({"seed": seed, "precision": "fp32"})
        none = np.empty(0, np.int64)
        split = Split(rows, none, fingerprint_of(len(rows), none))
        plan = TrainingPlan(recipe, data, split, monitored=none, calibration=none, threads=threads)
        self._network = build_network(plan)
        self.precision = self._network.precision
        for _ in epochs(plan, self._network):
            pass

    def predict(self, images: Images) -> NDArray[np.int64]:
        """Predict the class of each image.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).

        Returns:
            int64 of shape (n,).
        """
        classes: NDArray[np.int64] = self._network.logits(images).argmax(axis=1)
        return classes

    def predict_proba(self, images: Images) -> NDArray[np.float64]:
        """Predict the probability of each class for each image, float64 of shape (n, classes)."""
        return softmax(self._network.logits(images))


def probe_recipe(shape: tuple[int, int, int], images: int) -> Recipe:
    """Choose the probe network: mnist-quick for 28 x 28 grey images, else a small one with batch normalization.

    Args:
        shape: Height, width and channels of an image.
        images: Number of images to train on, at least 1.
    """
    seen = {"epochs": min(_MAX_EPOCHS, max(_MIN_EPOCHS, math.ceil(_IMAGES_SEEN / images)))}
    if shape == (28, 28, 1):
        return load_recipe("mnist-quick").override(seen)
    layers: list[Layer] = []
    side, filters = min(shape[:2]), 16
    while side >= _MIN_POOLED_SIDE:
        layers += [
            Conv2D(filters, 3, "relu", padding="same"),
            BatchNormalization(momentum=_MOMENTUM),
            MaxPooling2D(2),
        ]
        side, filters = side // 2, 2 * filters
    layers += [Flatten(), Dense(128, "relu")]
    return Recipe(
        name="probe", layers=tuple(layers), optimizer=Adam(0.003), schedule=OneCycle(), batch_size=64, **seen
    )
