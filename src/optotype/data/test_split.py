"""The test split of a source without one: one fifth of every class, always the same images."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.splits import stratified_split
from optotype.errors import DataError

TEST_FRACTION: Final = 0.2
# Must never change: another seed would give another test set, and a model could have been trained on its images. It is
# far from the small numbers that recipes use as split seeds, so validation never uses the same hashes.
_SEED: Final = 0x0970_7E57


def split_off_test(labels: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose the images of the sealed test set from labels alone.

    Every class gives its proportional share of one fifth of the images, rounded as in `splits.stratified_split`; no
    class gives its last image. The same labels in the same order give the same split on every machine.

    Args:
        labels: Integer array of shape (n,), one class index per image.

    Returns:
        Sorted int64 indices of the training images and of the test images; disjoint, together all images, neither
        empty; read-only.

    Raises:
        DataError: If there are too few images to set one aside and keep one of each class.
    """
    spare = len(labels) - len(np.unique(labels))
    n_test = min(round(TEST_FRACTION * len(labels)), spare)
    if n_test < 1:
        raise DataError(
            f"There are {len(labels)} images and no test split; expected enough images to set one fifth aside as the"
            " test set and keep one of each class for training. Add images, or a test split."
        )
    split = stratified_split(labels, n_test, _SEED)
    return split.train, split.validation
