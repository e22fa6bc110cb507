"""Class imbalance: classes with far fewer images than the largest class."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

IMBALANCE_RATIO: Final = 10
"""Smallest ratio of class sizes that counts as an imbalance. There is no agreed number. With two classes at a ratio of
ten, a model that never predicts the small class still reaches an accuracy above 0.9."""


def rare_classes(counts: NDArray[np.integer]) -> list[int]:
    """Return the classes with at most a tenth of the images of the largest class.

    Args:
        counts: Number of images of each class, of shape (classes,).
    """
    return np.flatnonzero(counts * IMBALANCE_RATIO <= counts.max()).tolist()
