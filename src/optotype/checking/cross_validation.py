"""Cross-validation with probe networks: predictions for images that a network was not trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Flatten, Layer, MaxPooling2D
from optotype.engine.optimizers import Adam
from optotype.engine.schedules import OneCycle
from optotype.metrics import wilson_interval
from optotype.randomness import permutation, purpose
from optotype.recipes.builtin import load_recipe
from optotype.recipes.recipe import Recipe
from optotype.training.probe_net import ProbeNetwork

FOLDS: Final = 5
MIN_SKILL: Final = 0.2
"""Least skill (accuracy above naming the largest class, divided by the greatest possible) for finding label errors."""
# Enough for the accuracy to level off. Small sets are repeated more often, up to a limit.
_IMAGES_SEEN: Final = 50_000
_MIN_EPOCHS: Final = 3
_MAX_EPOCHS: Final = 30
# Of batch normalization's moving statistics. A small set gets only a few hundred steps. With the usual 0.99 the
# statistics are not accurate by then, and predictions are useless.
_MOMENTUM: Final = 0.9
_MIN_POOLED_SIDE: Final = 8  # pixels
# Separates the hash of the folds from that of every split.
_FOLD: Final = purpose("fold")


@dataclass(frozen=True)
class CrossValidation:
    """The predictions of cross-validated probe networks.

    Attributes:
        probabilities: float64 of shape (n, classes): for each training image the probabilities by the network that was
            not trained on it.
        networks: One network for each fold.
    """

    probabilities: NDArray[np.float64]
    networks: Sequence[ProbeNetwork]

    def accuracy(self, labels: NDArray[np.int64]) -> float:
        """Return the share of the training images whose predicted class is their label."""
        return float(np.mean(self.probabilities.argmax(axis=1) == labels))

    def is_reliable(self, labels: NDArray[np.int64]) -> bool:
        """Return whether the networks are accurate enough: others call labels wrong by chance.

        They are if, with 95 % confidence, they have at least MIN_SKILL of the way from the accuracy of naming the
        largest class to 1.
        """
        largest = float(np.bincount(labels).max()) / len(labels)
        correct = round(self.accuracy(labels) * len(labels))
        return wilson_interval(correct, len(labels))[0] >= largest + MIN_SKILL * (1 - largest)

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the mean of all networks' probabilities for images that none was trained on.

        Args:
            images: uint8 of shape (m, height, width, channels).

        Returns:
            float64 of shape (m, classes).
        """
        small = thumbnails(images)
        mean: NDArray[np.float64] = np.mean(
            [network.predict_proba(small) for network in self.networks], axis=0
        )
        return mean


def cross_validate(data: Dataset, groups: NDArray[np.int64], threads: int | None = None) -> CrossValidation:
    """Train a probe network five times, each time without a fifth of every class, and predict that fifth.

    Args:
        data: Images with sides of at most 32 pixels.
        groups: int64 of shape (n,): images with the same number are copies. A network is trained on all of them or
            none.
        threads: Number of threads; every core by default.
    """
    folds = _assign_folds(data.labels, groups)
    probabilities = np.empty((len(data.labels), len(data.class_names)))
    networks = []
    for fold in range(FOLDS):
        held_out = np.flatnonzero(folds == fold)
        rows = np.flatnonzero(folds != fold)
        recipe = probe_recipe(data.shape, len(rows)).override({"seed": fold})
        network = ProbeNetwork(data, rows, recipe, threads)
        probabilities[held_out] = network.predict_proba(data.images[held_out])
        networks.append(network)
    return CrossValidation(probabilities, networks)


def probe_recipe(shape: tuple[int, int, int], images: int) -> Recipe:
    """Choose the probe network: mnist-quick for 28 x 28 grey images, else a small one with batch normalization.

    Args:
        shape: Height, width and channels of an image; sides of at most 32 pixels.
        images: Number of images to train on, at least 1.
    """
    length = {"epochs": min(_MAX_EPOCHS, max(_MIN_EPOCHS, math.ceil(_IMAGES_SEEN / images)))}
    if shape == (28, 28, 1):
        return load_recipe("mnist-quick").override(length)
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
        name="probe",
        layers=tuple(layers),
        optimizer=Adam(0.003),
        schedule=OneCycle(),
        batch_size=64,
        **length,
    )


def _assign_folds(labels: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Assign the images of every class to the folds in turn, in an order that is a hash of the class.

    Copies get the fold of the first of them.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    folds = np.empty(len(labels), np.int64)
    for label in np.unique(labels[first]).tolist():
        members = np.sort(first[labels[first] == label])
        folds[members[permutation(len(members), _FOLD, label)]] = np.arange(len(members)) % FOLDS
    return folds[first[group]]
