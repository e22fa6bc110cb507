"""A quick net, and what it says of images that it was not trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.data.splits import Split, split_fingerprint
from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Flatten, Layer, MaxPooling2D
from optotype.engine.network import Network
from optotype.engine.optimizers import Adam
from optotype.engine.schedules import OneCycle
from optotype.metrics import softmax, wilson_interval
from optotype.randomness import permutation, purpose
from optotype.recipes.builtin import load_recipe
from optotype.recipes.recipe import Recipe
from optotype.training.loop import epochs

FOLDS: Final = 5
# Enough for a net to settle: small sets are gone through more often, up to a limit.
_IMAGES_SEEN: Final = 50_000
_MOST_EPOCHS: Final = 30
# Of batch normalization's moving statistics: a few hundred steps, which is all that a small set gets, do not settle
# them with the usual 0.99, and the net then says anything.
_MOMENTUM: Final = 0.9
KNOWN: Final = 0.2
# Sets the hash of the folds apart from that of every split: the word "fold" in ASCII.
_FOLD: Final = purpose("fold")


@dataclass(frozen=True)
class OutOfFold:
    """What the quick nets say.

    Attributes:
        probabilities: float64 of shape (n, classes): of each training image, by the net that was not trained on it.
        nets: The net of each fold.
    """

    probabilities: NDArray[np.float64]
    nets: Sequence[Network]

    def accuracy(self, labels: NDArray[np.int64]) -> float:
        """Give the share of the training images that were classified as they are labelled."""
        return float(np.mean(self.probabilities.argmax(axis=1) == labels))

    def know(self, labels: NDArray[np.int64]) -> bool:
        """Tell whether the nets know the classes: nets that do not, call labels wrong by chance.

        They do if, with 95 % confidence, they went KNOWN of the way from naming the largest class to being right.
        """
        largest = float(np.bincount(labels).max()) / len(labels)
        right = round(self.accuracy(labels) * len(labels))
        return wilson_interval(right, len(labels))[0] >= largest + KNOWN * (1 - largest)

    def of_others(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Give the mean of all nets' probabilities of images that none was trained on.

        Args:
            images: uint8 of shape (m, height, width, channels).

        Returns:
            float64 of shape (m, classes).
        """
        small = thumbnails(images)
        said: NDArray[np.float64] = np.mean([softmax(net.logits(small)) for net in self.nets], axis=0)
        return said


def out_of_fold(data: Dataset, groups: NDArray[np.int64], threads: int | None = None) -> OutOfFold:
    """Train the quick net five times, each time without a fifth of every class, and ask it of that fifth.

    Args:
        data: Images of at most 32 pixels a side.
        groups: int64 of shape (n,): images with the same number are copies, of which a net sees all or none.
        threads: By default every core.
    """
    folds = _folds(data.labels, groups)
    probabilities = np.empty((len(data.labels), len(data.class_names)))
    nets = []
    for fold in range(FOLDS):
        held = np.flatnonzero(folds == fold)
        net = _trained(data, np.flatnonzero(folds != fold), fold, threads)
        probabilities[held] = softmax(net.logits(data.images[held]))
        nets.append(net)
    return OutOfFold(probabilities, nets)


def quick_recipe(shape: tuple[int, int, int], images: int) -> Recipe:
    """Choose the quick net: mnist-quick for its own kind of images, else a small net with batch normalization.

    Args:
        shape: Of an image: height, width, channels; sides of at most 32 pixels.
        images: How many there are to train on, at least 1.
    """
    seen = {"epochs": min(_MOST_EPOCHS, max(3, math.ceil(_IMAGES_SEEN / images)))}
    if shape == (28, 28, 1):
        return load_recipe("mnist-quick").override(seen)
    layers: list[Layer] = []
    side, filters = min(shape[:2]), 16
    while side >= 8:
        layers += [
            Conv2D(filters, 3, "relu", padding="same"),
            BatchNormalization(momentum=_MOMENTUM),
            MaxPooling2D(2),
        ]
        side, filters = side // 2, 2 * filters
    layers += [Flatten(), Dense(128, "relu")]
    return Recipe(
        name="quick", layers=tuple(layers), optimizer=Adam(0.003), schedule=OneCycle(), batch_size=64, **seen
    )


def _folds(labels: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Deal the images of every class out to the folds, in an order that is a hash of the class; copies follow one."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    folds = np.empty(len(labels), np.int64)
    for label in np.unique(labels[first]).tolist():
        members = np.sort(first[labels[first] == label])
        folds[members[permutation(len(members), _FOLD, label)]] = np.arange(len(members)) % FOLDS
    return folds[first[group]]


def _trained(data: Dataset, train: NDArray[np.int64], seed: int, threads: int | None) -> Network:
    recipe = quick_recipe(data.shape, len(train)).override({"seed": seed})
    # In fp32, so that processors with and without AMX find alike.
    network = Network(
        recipe.network_layers(len(data.class_names)),
        data.shape,
        scale=recipe.scale,
        threads=threads,
        precision="fp32",
    )
    nothing = np.empty(0, np.int64)
    for _ in epochs(network, data, Split(train, nothing, split_fingerprint(len(train), nothing)), recipe):
        pass
    return network
