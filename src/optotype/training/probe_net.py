"""Probe networks: small networks that are trained briefly to measure something about images."""

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.splits import Split, split_fingerprint
from optotype.engine.network import Images
from optotype.metrics import softmax
from optotype.recipes.recipe import Recipe
from optotype.training.loop import epochs
from optotype.training.plan import TrainingPlan, build_network


class ProbeNetwork:
    """A small network, trained on some images of a data set.

    It computes in fp32 on every processor, so that measurements do not depend on whether the processor has AMX.

    Args:
        data: Images and labels.
        rows: int64 indices of the images to train on, at least one.
        recipe: Layers, optimizer, schedule, batch size, epochs and seed. Precision and validation are ignored.
        threads: Number of threads; every core by default. It does not change the result.

    Attributes:
        precision: The precision in use, always "fp32".
    """

    def __init__(
        self, data: Dataset, rows: NDArray[np.int64], recipe: Recipe, threads: int | None = None
    ) -> None:
        none = np.empty(0, np.int64)
        plan = TrainingPlan(
            recipe=recipe.override({"precision": "fp32"}),
            data=data,
            split=Split(rows, none, split_fingerprint(len(rows), none)),
            monitored=none,
            calibration=none,
            threads=threads,
        )
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
