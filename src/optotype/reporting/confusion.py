"""Order of the classes in a confusion matrix, and its most frequent confusions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = Sequence[Sequence[int]]
_MIN_CLASSES: Final = 3
# Beyond this number of classes the optimal leaf order takes seconds; the order of the clustering alone is used.
_MAX_OPTIMAL: Final = 300


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were predicted as another.

    Attributes:
        label: Index of the labelled class.
        predicted: Index of the predicted class.
        count: Number of these images.
        n: Number of images with that label.
    """

    label: int
    predicted: int
    count: int
    n: int

    @property
    def rate(self) -> float:
        """Share of the images with that label."""
        return self.count / self.n


def rates(counts: Counts) -> NDArray[np.float64]:
    """Return the share of each label's images by predicted class; zeros for a label without images."""
    table = np.array(counts, np.float64)
    shares: NDArray[np.float64] = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return shares


def cluster_order(counts: Counts) -> NDArray[np.int64]:
    """Return an order of the classes in which confused classes are neighbours.

    Average linkage on one minus the rates of confusion in both directions, with the optimal leaf order (Bar-Joseph,
    Gifford, Jaakkola: Fast optimal leaf ordering for hierarchical clustering, Bioinformatics 17 (2001), S22-S29).

    Args:
        counts: Number of images by label (row) and predicted class (column).

    Returns:
        Indices of the classes, int64 of shape (classes,). With fewer than three classes, or without any confusion, the
        order is unchanged.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # noqa: PLC0415 - loaded only to write a report
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - the same

    shares = rates(counts)
    similarity = shares + shares.T
    np.fill_diagonal(similarity, 0)
    if len(similarity) < _MIN_CLASSES or not similarity.any():
        return np.arange(len(similarity))
    distances = similarity.max() - similarity
    np.fill_diagonal(distances, 0)
    optimal = len(distances) <= _MAX_OPTIMAL
    tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=optimal)
    order: NDArray[np.int64] = leaves_list(tree).astype(np.int64)
    # Of the two directions, the one that starts with the lower class.
    return order if order[0] <= order[-1] else order[::-1]


def most_frequent(counts: Counts, limit: int) -> list[Confusion]:
    """Return the most frequent confusions: by count, then by rate, then in the order of the classes.

    Args:
        counts: As for ``cluster_order``.
        limit: Maximum number of confusions.
    """
    confusions = [
        Confusion(label, predicted, count, sum(row))
        for label, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if count and predicted != label
    ]
    return sorted(confusions, key=lambda confusion: (-confusion.count, -confusion.rate))[:limit]


def most_confused(counts: Counts, limit: int) -> NDArray[np.int64]:
    """Return the classes with the most errors, as label or prediction, in the order of the classes.

    Args:
        counts: As for ``cluster_order``.
        limit: Maximum number of classes.
    """
    errors = np.array(counts)
    np.fill_diagonal(errors, 0)
    errors_by_class = errors.sum(axis=0) + errors.sum(axis=1)
    chosen: NDArray[np.int64] = np.sort(np.argsort(-errors_by_class, kind="stable")[:limit])
    return chosen
