"""Which training images validate: those the source sets aside, else a part carved out of training.

Carving is stratified, of exactly the size asked for, and a function of its inputs alone.

Nothing is drawn from a stream: which images of a class are taken is a hash of (split seed, class), so trainings that
differ in their own seed share their split.
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

# Sets these hashes apart from every other (split seed, ...): the word "halves" in ASCII.
_HALVES: Final = purpose("halves")


@dataclass(frozen=True, eq=False)
class Split:
    """Which images of the training split train and which validate.

    Attributes:
        train: Sorted int64 indices, at least one of each class; read-only.
        validation: Sorted int64 indices, possibly none; read-only.
        fingerprint: "sha256:" and the hash of the number of the source's own images and the validation indices.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    fingerprint: str


def split_of(data: Dataset, validation: int | float, split_seed: int) -> Split:
    """Divide a data set's images into those that train and those that validate.

    A source that brings its own validation images is taken at its word, and the other arguments do not matter. Images
    that were added to the source's own all train, and change nothing of how those are divided.

    Args:
        data: The data set.
        validation: How much to set aside where the source sets nothing aside, as for `carve`.
        split_seed: As for `carve`.

    Raises:
        DataError: As for `carve`.
    """
    if data.validation is None:
        split = stratified_split(data.labels[: data.own_images], validation, split_seed)
    else:
        held = np.zeros(data.own_images, np.bool_)
        held[data.validation] = True
        split = _split(held)
    if data.addition is None:
        return split
    train = np.concatenate([split.train, np.arange(data.own_images, len(data.labels))])
    train.setflags(write=False)
    return replace(split, train=train)


def stratified_split(labels: NDArray[np.integer], validation: int | float, split_seed: int) -> Split:
    """Set a stratified part of the images aside for validation.

    Every class gives its proportional share, rounded by largest remainders (Hamilton's method; ties go to the lower
    class) so that the sizes add up exactly. A class never gives its last image: where rounding would take it, the
    next class in line gives one more.

    Args:
        labels: Integer array of shape (n,), one class index an image.
        validation: A number of images (int), or a fraction of them in [0, 1) (float), rounded to whole images; 0 for
            no validation.
        split_seed: Any integer; the same one gives the same split of the same labels.

    Returns:
        The two index arrays, disjoint and together every image.

    Raises:
        DataError: There are no labels, the size is negative or not a number, or it is so large that a class would
            have no training image left.
    """
    if labels.ndim != 1 or labels.size == 0:
        raise DataError(
            f"Cannot split labels of shape {labels.shape}, expected one label an image. Give at least one image."
        )
    classes, sizes = np.unique(labels, return_counts=True)
    wanted = _count(validation, int(labels.size), len(classes))
    held = np.zeros(labels.size, np.bool_)
    for label, take in zip(classes.tolist(), _shares(sizes.tolist(), wanted), strict=True):
        members = np.flatnonzero(labels == label)
        held[members[permutation(len(members), split_seed, label)[:take]]] = True
    return _split(held)


def split_in_halves(
    validation: NDArray[np.int64], labels: NDArray[np.integer], split_seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide validation images into those that say when to stop and those that calibrate what came of it.

    Of each class every other image goes to either, in an order of chance.

    Args:
        validation: Indices of the validation images, of shape (n,).
        labels: The class of every image of the training split.
        split_seed: As for `carve`.

    Returns:
        Two sorted arrays of indices, disjoint and together all; the first has one more where their number is odd.
    """
    members = [validation[labels[validation] == label] for label in np.unique(labels[validation])]
    mixed = [each[permutation(len(each), split_seed, _HALVES, k)] for k, each in enumerate(members)]
    order = np.concatenate([validation[:0], *mixed])
    return np.sort(order[0::2]), np.sort(order[1::2])


def fingerprint_of(images: int, validation: NDArray[np.int64]) -> str:
    """Hash a split.

    Args:
        images: The source's own images in the training split, those for validation included.
        validation: Indices of the validation images, int64 of shape (m,).

    Returns:
        "sha256:" and the hash in hexadecimal.
    """
    words = np.concatenate([[images], validation]).astype("<i8")
    return f"sha256:{hashlib.sha256(words.tobytes()).hexdigest()}"


def _split(held: NDArray[np.bool_]) -> Split:
    train, validation = np.flatnonzero(~held), np.flatnonzero(held)
    train.setflags(write=False)
    validation.setflags(write=False)
    return Split(train, validation, fingerprint_of(len(held), validation))


def _count(validation: int | float, n: int, classes: int) -> int:
    """Turn a number or fraction of images into a number that leaves each class one for training."""
    if isinstance(validation, float) and not (math.isfinite(validation) and 0 <= validation < 1):
        raise DataError(
            f"Validation is {validation}, expected a fraction of at least 0 and below 1."
            " Give a whole number (without a decimal point) to ask for that many images."
        )
    wanted = round(validation * n) if isinstance(validation, float) else validation
    if wanted < 0:
        raise DataError(f"Validation is {validation} images, expected 0 or more. Give 0 for no validation.")
    if wanted > n - classes:
        raise DataError(
            f"Validation is {wanted} of {n} images, expected at most {n - classes}, which leaves one image of each of"
            f" the {classes} classes for training. Ask for less validation."
        )
    return wanted


def _shares(sizes: list[int], wanted: int) -> list[int]:
    """Divide a number among classes in proportion to their sizes, by largest remainders, each keeping one or more."""
    total = sum(sizes)
    shares = [size * wanted // total for size in sizes]
    # Whole numbers throughout: a remainder in floating point could break a tie differently on another machine.
    in_line = sorted(range(len(sizes)), key=lambda place: (-(sizes[place] * wanted % total), place))
    while sum(shares) < wanted:
        for place in in_line:
            if sum(shares) < wanted and shares[place] < sizes[place] - 1:
                shares[place] += 1
    return shares
