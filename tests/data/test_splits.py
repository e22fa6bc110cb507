"""The split into training and validation images."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, SealedTest
from optotype.data.splits import split_in_halves, split_of, stratified_split
from optotype.errors import DataError

_SEEDS = st.integers(-(2**63), 2**63)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[NDArray[np.int64], int]:
    labels = np.array(draw(st.lists(st.integers(0, 5), min_size=1, max_size=120)), np.int64)
    return labels, draw(st.integers(0, len(labels) - len(np.unique(labels))))


@given(_cases(), _SEEDS)
def test_split_is_disjoint_and_complete(case: tuple[NDArray[np.int64], int], seed: int) -> None:
    """The parts are sorted, disjoint, complete, read-only int64, and validation has the requested size."""
    labels, n_validation = case
    split = stratified_split(labels, n_validation, seed)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([split.train, split.validation])), np.arange(len(labels))
    )
    assert len(split.validation) == n_validation
    for part in (split.train, split.validation):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
        assert not part.flags.writeable


@given(_cases(), _SEEDS)
def test_split_is_stratified(case: tuple[NDArray[np.int64], int], seed: int) -> None:
    """Each class gives its proportional share, to less than one image, unless a class is down to its last image."""
    labels, n_validation = case
    split = stratified_split(labels, n_validation, seed)
    sizes = np.bincount(labels, minlength=6)
    validation_counts = np.bincount(labels[split.validation], minlength=6)
    train_counts = np.bincount(labels[split.train], minlength=6)
    assert (train_counts[sizes > 0] >= 1).all()
    if (train_counts[sizes > 0] > 1).all():
        assert (np.abs(validation_counts - sizes * n_validation / len(labels)) < 1).all()


@given(_cases(), _SEEDS)
def test_split_depends_on_its_inputs_only(case: tuple[NDArray[np.int64], int], seed: int) -> None:
    """The same labels, size and seed give the same split, however the labels are stored."""
    labels, n_validation = case
    first = stratified_split(labels, n_validation, seed)
    second = stratified_split(labels.astype(np.uint8), n_validation, seed)
    np.testing.assert_array_equal(first.validation, second.validation)
    assert first.fingerprint == second.fingerprint


def test_classes_are_split_independently() -> None:
    """The validation images of a class do not depend on the images of other classes."""
    labels = np.repeat([0, 1], 50)
    longer = np.repeat([0, 1], [50, 100])
    smaller, larger = stratified_split(labels, 20, 0).validation, stratified_split(longer, 30, 0).validation
    np.testing.assert_array_equal(smaller[smaller < 50], larger[larger < 50])


def test_different_seeds_give_different_splits() -> None:
    """Split seeds 0, 1 and 2 give different validation images and fingerprints."""
    labels = np.arange(1000) % 10
    splits = [stratified_split(labels, 100, seed) for seed in range(3)]
    assert len({split.validation.tobytes() for split in splits}) == 3
    assert len({split.fingerprint for split in splits}) == 3


def test_fingerprint_depends_on_the_training_images() -> None:
    """Two splits without validation have different fingerprints if their numbers of images differ."""
    assert (
        stratified_split(np.arange(10), 0, 0).fingerprint != stratified_split(np.arange(11), 0, 0).fingerprint
    )


def test_split_is_pinned() -> None:
    """The split of a fixed case is pinned: with another one, recorded runs could not be repeated."""
    split = stratified_split(np.arange(30) % 3, 6, 0)
    assert split.validation.tolist() == [0, 1, 2, 14, 19, 21]
    assert split.fingerprint == "sha256:7030c9c85cf320c0dd98123a64d4a2a5de178dd4649bc8ea9af34a07c26625ab"


@pytest.mark.parametrize(
    ("validation", "count"),
    [(0, 0), (0.0, 0), (1, 1), (0.1, 100), (100, 100), (0.99, 990), (0.1004, 100), (990, 990)],
)
def test_validation_size_is_a_number_or_a_fraction(validation: int | float, count: int) -> None:
    """An integer is a number of images, a fraction a share of them, rounded."""
    split = stratified_split(np.arange(1000) % 10, validation, 0)
    assert len(split.validation) == count


def test_tie_is_resolved_to_the_lower_class() -> None:
    """If two classes have equal remainders, the lower class gives the image."""
    labels = np.array([7, 7, 3, 3])
    assert labels[stratified_split(labels, 1, 0).validation].tolist() == [3]


def test_class_keeps_its_last_image() -> None:
    """Classes of one image give none, even if almost all images are requested."""
    labels = np.array([0, 1, 2] + [3] * 100)
    split = stratified_split(labels, 99, 0)
    assert np.bincount(labels[split.train]).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (-1, "-1 images; expected 0 or more"),
        (19, "19 of 20 images; expected at most 18"),
        (20, "at most 18"),
        (10**9, "at most 18"),
        (0.99, "at most 18"),
        (1.0, r"1\.0; expected a fraction"),
        (-0.1, "-0.1; expected a fraction"),
        (5.0, "without a decimal point"),
        (math.nan, "nan; expected a fraction"),
        (math.inf, "inf; expected a fraction"),
    ],
)
def test_invalid_size_is_rejected(validation: int | float, message: str) -> None:
    """A size that is negative, not a number, or leaves a class without training images is rejected."""
    with pytest.raises(DataError, match=message):
        stratified_split(np.arange(20) % 2, validation, 0)


@pytest.mark.parametrize("labels", [np.zeros(0, np.int64), np.zeros((3, 2), np.int64)])
def test_labels_must_be_one_dimensional(labels: NDArray[np.int64]) -> None:
    """Empty labels and two-dimensional labels are rejected."""
    with pytest.raises(DataError, match="cannot be split"):
        stratified_split(labels, 0, 0)


def _dataset(validation: list[int] | None) -> Dataset:
    images, labels = np.zeros((6, 2, 2, 1), np.uint8), np.arange(6) % 2
    rows = None if validation is None else np.array(validation, np.int64)
    return Dataset(
        "six", images, labels, ("a", "b"), "", "six", SealedTest(6, lambda: (images, labels)), validation=rows
    )


def test_source_without_validation_uses_the_stratified_split() -> None:
    """If the source has no validation images, the split is the stratified split."""
    data = _dataset(None)
    assert split_of(data, 2, 7).fingerprint == stratified_split(data.labels, 2, 7).fingerprint


def test_validation_of_the_source_is_used() -> None:
    """The source's own validation images are used, all of them and no others, whatever the recipe requests."""
    split = split_of(_dataset([1, 4]), 0, 7)
    assert split.validation.tolist() == [1, 4]
    assert split.train.tolist() == [0, 2, 3, 5]


@given(st.lists(st.integers(0, 5), min_size=0, max_size=80), st.integers(0, 2**40))
def test_halves_are_balanced_in_every_class(classes: list[int], seed: int) -> None:
    """The halves are disjoint and complete, and their sizes differ by at most 1, in total and per class."""
    labels = np.array([*classes, 7, 8], np.int64)
    validation = np.arange(len(classes))
    first, second = split_in_halves(validation, labels, seed)
    assert sorted([*first, *second]) == validation.tolist()
    assert 0 <= len(first) - len(second) <= 1
    for part in (first, second):
        assert (np.diff(part) > 0).all()
    counts = [np.bincount(labels[part], minlength=9) for part in (first, second)]
    assert np.abs(counts[0] - counts[1]).max() <= 1
    repeated = split_in_halves(validation, labels, seed)
    np.testing.assert_array_equal(repeated[0], first)


def test_halves_depend_on_the_split_seed() -> None:
    """Another split seed gives other halves."""
    labels = np.arange(100) % 3
    first, second = (split_in_halves(np.arange(100), labels, seed)[0] for seed in (0, 1))
    assert first.tolist() != second.tolist()
