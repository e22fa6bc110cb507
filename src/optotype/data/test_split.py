"""Which images become the sealed test where a source brings none: one fifth of every class, the same ones always."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.splits import stratified_split
from optotype.errors import DataError

SHARE: Final = 0.2
# Never to be changed: another seed would be another test set, and a model could have been trained on its images. It is
# far from the small numbers that recipes use as split seeds, so validation is not drawn by the same hashes.
_SEED: Final = 0x0970_7E57


def split_off_test(labels: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose which images train and which are sealed as the test, from their labels alone.

    Every class gives its proportional share of one fifth of the images, rounded as in `splits.carve`; none gives its
    last image. Images that come in the same order with the same labels are divided the same way on every machine.

    Args:
        labels: Integer array of shape (n,), one class index an image.

    Returns:
        Sorted int64 indices of the training images and of the test images; disjoint, together every image, neither
        empty; read-only.

    Raises:
        DataError: There are too few images to set one aside and keep one of each class.
    """
    spare = len(labels) - len(np.unique(labels))
    wanted = min(round(SHARE * len(labels)), spare)
    if wanted < 1:
        raise DataError(
            f"There are {len(labels)} images and no test split, expected enough to set one fifth aside as the test and"
            " keep one of each class for training. Add images, or a test split."
        )
    split = stratified_split(labels, wanted, _SEED)
    return split.train, split.validation
