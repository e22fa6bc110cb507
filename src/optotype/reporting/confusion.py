"""Which classes are taken for which: an order in which they are neighbours, and the most frequent confusions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = Sequence[Sequence[int]]
_FEW: Final = 3
# Beyond this many the best order takes seconds to find; that of the clustering alone has to do.
_MANY: Final = 300


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were taken for another.

    Attributes:
        label: The class that they are labelled as, by its place.
        predicted: The one that they were taken for.
        count: How many.
        n: Images that are labelled so.
    """

    label: int
    predicted: int
    count: int
    n: int

    @property
    def rate(self) -> float:
        """Their share of the images that are labelled so."""
        return self.count / self.n


def rates(counts: Counts) -> NDArray[np.float64]:
    """Give the share of each label's images that was taken for each class; zeros for a label without images."""
    table = np.array(counts, np.float64)
    share: NDArray[np.float64] = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return share


def neighbours(counts: Counts) -> NDArray[np.int64]:
    """Order the classes so that those which are confused stand beside one another.

    Average linkage on one minus the rates of confusion in both directions, with the leaves in the order that makes
    neighbours most alike (Bar-Joseph, Gifford, Jaakkola: Fast optimal leaf ordering for hierarchical clustering,
    Bioinformatics 17 (2001), S22-S29).

    Args:
        counts: Number of images by label (row) and predicted class (column).

    Returns:
        The places of the classes, int64 of shape (classes,); as they are where no two can be confused or none was.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # noqa: PLC0415 - loaded only to write a report
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - the same

    share = rates(counts)
    together = share + share.T
    np.fill_diagonal(together, 0)
    if len(together) < _FEW or not together.any():
        return np.arange(len(together))
    apart = together.max() - together
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average", optimal_ordering=len(apart) <= _MANY)
    order: NDArray[np.int64] = leaves_list(tree).astype(np.int64)
    # Of the two directions the one that begins with the lower class.
    return order if order[0] <= order[-1] else order[::-1]


def most_frequent(counts: Counts, most: int) -> list[Confusion]:
    """List confusions, the most frequent first, of equal ones those with the higher rate, then in the classes' order.

    Args:
        counts: As for ``neighbours``.
        most: How many at most.
    """
    found = [
        Confusion(label, predicted, count, sum(row))
        for label, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if count and predicted != label
    ]
    return sorted(found, key=lambda each: (-each.count, -each.rate))[:most]


def most_confused(counts: Counts, most: int) -> NDArray[np.int64]:
    """Choose the classes that take part in most mistakes, in the order of the classes.

    Args:
        counts: As for ``neighbours``.
        most: How many at most.
    """
    wrong = np.array(counts)
    np.fill_diagonal(wrong, 0)
    part = wrong.sum(axis=0) + wrong.sum(axis=1)
    chosen: NDArray[np.int64] = np.sort(np.argsort(-part, kind="stable")[:most])
    return chosen
