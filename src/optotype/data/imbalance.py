"""Classes that have far fewer images than others."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

IMBALANCED: Final = 10
"""A class is rare when another has at least so many times as many images. There is no agreed number; at ten, a net
that never names the small class of two still reaches an accuracy above 0.9."""


def rare_classes(counts: NDArray[np.integer]) -> list[int]:
    """List the classes that have at most a tenth of the images of the largest.

    Args:
        counts: Images of each class, of shape (classes,).
    """
    return np.flatnonzero(counts * IMBALANCED <= counts.max()).tolist()
