"""The split into training and validation images: the source's own, or a stratified split of the training images.

The stratified split has exactly the requested size and depends only on its arguments. Which images of a class are
taken is a hash of (split seed, class), not a draw from a random stream, so trainings with different seeds of their own
share their split.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.errors import DataError
from optotype.randomness import permutation, purpose

# Keeps these hashes distinct from all others of (split seed, ...).
_HALVES: Final = purpose("halves")


@dataclass(frozen=True, eq=False)
class Split:
    """The indices of training and validation images in a training split.

    Attributes:
        train: Sorted int64 indices, at least one of each class; read-only.
        validation: Sorted int64 indices, possibly none; read-only.
        fingerprint: "sha256:" and the hash of the number of the source's own images and the validation indices.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    fingerprint: str


def split_of(data: Dataset, validation: int | float, split_seed: int) -> Split:
    """Split a data set's images into training and validation images.

    If the source has validation images of its own, they are used and the other arguments have no effect. Additional
    images are all training images, and do not change the split of the source's own images.

    Args:
        data: The data set.
        validation: Number or fraction of validation images if the source has none, as for `stratified_split`.
        split_seed: As for `stratified_split`.

    Raises:
        DataError: As for `stratified_split`.
    """
    if data.validation is None:
        split = stratified_split(data.labels[: data.own_images], validation, split_seed)
    else:
        is_validation = np.zeros(data.own_images, np.bool_)
        is_validation[data.validation] = True
        split = _split(is_validation)
    if data.addition is None:
        return split
    train = np.concatenate([split.train, np.arange(data.own_images, len(data.labels))])
    train.setflags(write=False)
    return replace(split, train=train)


def stratified_split(labels: NDArray[np.integer], validation: int | float, split_seed: int) -> Split:
    """Set a stratified part of the images aside for validation.

    Every class gives its proportional share, rounded by largest remainders (Hamilton's method; ties go to the lower
    class) so that the sizes add up exactly. No class gives its last image: if rounding would take it, the next class
    in order gives one more.

    Args:
        labels: Integer array of shape (n,), one class index per image.
        validation: A number of images (int), or a fraction in [0, 1) (float), rounded to whole images; 0 for no
            validation.
        split_seed: Any integer; the same seed gives the same split of the same labels.

    Returns:
        The two index arrays, disjoint and together all images.

    Raises:
        DataError: If there are no labels, the size is negative or not a number, or so large that a class would have no
            training image left.
    """
    if labels.ndim != 1 or labels.size == 0:
        raise DataError(
            f"Labels of shape {labels.shape} cannot be split; expected one label per image. Pass at least one image."
        )
    classes, sizes = np.unique(labels, return_counts=True)
    n_validation = _validation_count(validation, int(labels.size), len(classes))
    is_validation = np.zeros(labels.size, np.bool_)
    for label, count in zip(classes.tolist(), _shares(sizes.tolist(), n_validation), strict=True):
        members = np.flatnonzero(labels == label)
        is_validation[members[permutation(len(members), split_seed, label)[:count]]] = True
    return _split(is_validation)


def split_in_halves(
    validation: NDArray[np.int64], labels: NDArray[np.integer], split_seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split validation images into one half for early stopping and one half for calibration.

    The images of each class alternate between the halves, in random order.

    Args:
        validation: Indices of the validation images, of shape (n,).
        labels: The class of every image of the training split.
        split_seed: As for `stratified_split`.

    Returns:
        Two sorted arrays of indices, disjoint and together all; the first has one more if their number is odd.
    """
    by_class = [validation[labels[validation] == label] for label in np.unique(labels[validation])]
    shuffled = [
        members[permutation(len(members), split_seed, _HALVES, k)] for k, members in enumerate(by_class)
    ]
    order = np.concatenate([validation[:0], *shuffled])
    return np.sort(order[0::2]), np.sort(order[1::2])


def split_fingerprint(n: int, validation: NDArray[np.int64]) -> str:
    """Compute the hash of a split.

    Args:
        n: Number of the source's own images in the training split, including those for validation.
        validation: Indices of the validation images, int64 of shape (m,).

    Returns:
        "sha256:" and the hash in hexadecimal.
    """
    words = np.concatenate([[n], validation]).astype("<i8")
    return f"sha256:{hashlib.sha256(words.tobytes()).hexdigest()}"


def _split(is_validation: NDArray[np.bool_]) -> Split:
    train, validation = np.flatnonzero(~is_validation), np.flatnonzero(is_validation)
    train.setflags(write=False)
    validation.setflags(write=False)
    return Split(train, validation, split_fingerprint(len(is_validation), validation))


def _validation_count(validation: int | float, n: int, classes: int) -> int:
    """Convert a number or fraction to a number of images that leaves one image of each class for training."""
    if isinstance(validation, float) and not (math.isfinite(validation) and 0 <= validation < 1):
        raise DataError(
            f"validation is {validation}; expected a fraction of at least 0 and below 1."
            " Pass an integer (without a decimal point) for a number of images."
        )
    count = round(validation * n) if isinstance(validation, float) else validation
    if count < 0:
        raise DataError(f"validation is {count} images; expected 0 or more. Pass 0 for no validation.")
    if count > n - classes:
        raise DataError(
            f"validation is {count} of {n} images; expected at most {n - classes}, which leaves one image of each of"
            f" the {classes} classes for training. Reduce validation."
        )
    return count


def _shares(sizes: list[int], total: int) -> list[int]:
    """Divide a total among classes in proportion to their sizes, by largest remainders, leaving one image in each."""
    n = sum(sizes)
    shares = [size * total // n for size in sizes]
    # Integers only: a floating-point remainder could break a tie differently on another machine.
    by_remainder = sorted(range(len(sizes)), key=lambda label: (-(sizes[label] * total % n), label))
    while sum(shares) < total:
        for label in by_remainder:
            if sum(shares) < total and shares[label] < sizes[label] - 1:
                shares[label] += 1
    return shares
