"""Rare classes."""

import numpy as np

from optotype.data.imbalance import rare_classes


def test_tenth_of_the_largest_class_is_rare() -> None:
    """A class with exactly a tenth of the largest class's images is rare, with one more it is not."""
    assert rare_classes(np.array([200, 20, 21, 0])) == [1, 3]
