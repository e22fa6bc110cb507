"""Cross-validation with probe networks: predictions for images that a network was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.metrics import wilson_interval
from optotype.randomness import permutation, purpose
from optotype.training.probe_net import ProbeNetwork

FOLDS: Final = 5
MIN_SKILL: Final = 0.2
"""Least skill (accuracy above naming the largest class, divided by the greatest possible) for finding label errors."""
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
        network = ProbeNetwork(data, np.flatnonzero(folds != fold), seed=fold, threads=threads)
        probabilities[held_out] = network.predict_proba(data.images[held_out])
        networks.append(network)
    return CrossValidation(probabilities, networks)


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
