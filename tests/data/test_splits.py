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
def test_both_parts_together_are_every_image(case: tuple[NDArray[np.int64], int], seed: int) -> None:
    """The parts are sorted, disjoint, complete, read-only int64, and validation has the requested size."""
    labels, wanted = case
    split = stratified_split(labels, wanted, seed)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([split.train, split.validation])), np.arange(len(labels))
    )
    assert len(split.validation) == wanted
    for part in (split.train, split.validation):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
        assert not part.flags.writeable


@given(_cases(), _SEEDS)
def test_every_class_keeps_its_share(case: tuple[NDArray[np.int64], int], seed: int) -> None:
    """Each class gives its proportional share, to less than one image, unless a class is down to its last image."""
    labels, wanted = case
    split = stratified_split(labels, wanted, seed)
    sizes = np.bincount(labels, minlength=6)
    given_up = np.bincount(labels[split.validation], minlength=6)
    kept = np.bincount(labels[split.train], minlength=6)
    assert (kept[sizes > 0] >= 1).all()
    if (kept[sizes > 0] > 1).all():
        assert (np.abs(given_up - sizes * wanted / len(labels)) < 1).all()


@given(_cases(), _SEEDS)
def test_a_split_depends_on_nothing_but_its_inputs(case: tuple[NDArray[np.int64], int], seed: int) -> None:
    """The same labels, size and seed give the same split, however the labels are stored."""
    labels, wanted = case
    first = stratified_split(labels, wanted, seed)
    second = stratified_split(labels.astype(np.uint8), wanted, seed)
    np.testing.assert_array_equal(first.validation, second.validation)
    assert first.fingerprint == second.fingerprint


def test_the_classes_of_a_split_are_drawn_apart() -> None:
    """The validation images of a class do not depend on the images of other classes."""
    labels = np.repeat([0, 1], 50)
    longer = np.repeat([0, 1], [50, 100])
    few, more = stratified_split(labels, 20, 0).validation, stratified_split(longer, 30, 0).validation
    np.testing.assert_array_equal(few[few < 50], more[more < 50])


def test_another_seed_gives_another_split() -> None:
    """Split seeds 0, 1 and 2 give different validation images and fingerprints."""
    labels = np.arange(1000) % 10
    splits = [stratified_split(labels, 100, seed) for seed in range(3)]
    assert len({split.validation.tobytes() for split in splits}) == 3
    assert len({split.fingerprint for split in splits}) == 3


def test_the_fingerprint_counts_the_training_images_too() -> None:
    """Two splits without validation have different fingerprints if their numbers of images differ."""
    assert (
        stratified_split(np.arange(10), 0, 0).fingerprint != stratified_split(np.arange(11), 0, 0).fingerprint
    )


def test_a_split_is_the_same_for_ever() -> None:
    """The split of a fixed case is pinned: with another one, recorded runs could not be repeated."""
    split = stratified_split(np.arange(30) % 3, 6, 0)
    assert split.validation.tolist() == [0, 1, 2, 14, 19, 21]
    assert split.fingerprint == "sha256:7030c9c85cf320c0dd98123a64d4a2a5de178dd4649bc8ea9af34a07c26625ab"


@pytest.mark.parametrize(
    ("validation", "count"),
    [(0, 0), (0.0, 0), (1, 1), (0.1, 100), (100, 100), (0.99, 990), (0.1004, 100), (990, 990)],
)
def test_a_size_is_a_number_or_a_fraction(validation: int | float, count: int) -> None:
    """An integer is a number of images, a fraction a share of them, rounded."""
    split = stratified_split(np.arange(1000) % 10, validation, 0)
    assert len(split.validation) == count


def test_a_tie_goes_to_the_lower_class() -> None:
    """If two classes have equal remainders, the lower class gives the image."""
    labels = np.array([7, 7, 3, 3])
    assert labels[stratified_split(labels, 1, 0).validation].tolist() == [3]


def test_a_class_keeps_its_last_image() -> None:
    """Classes of one image give none, even if almost all images are requested."""
    labels = np.array([0, 1, 2] + [3] * 100)
    split = stratified_split(labels, 99, 0)
    assert np.bincount(labels[split.train]).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("validation", "words"),
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
def test_an_impossible_size_is_rejected(validation: int | float, words: str) -> None:
    """A size that is negative, not a number, or leaves a class without training images is rejected."""
    with pytest.raises(DataError, match=words):
        stratified_split(np.arange(20) % 2, validation, 0)


@pytest.mark.parametrize("labels", [np.zeros(0, np.int64), np.zeros((3, 2), np.int64)])
def test_labels_must_be_a_row(labels: NDArray[np.int64]) -> None:
    """Empty labels and two-dimensional labels are rejected."""
    with pytest.raises(DataError, match="cannot be split"):
        stratified_split(labels, 0, 0)


def _dataset(validation: list[int] | None) -> Dataset:
    images, labels = np.zeros((6, 2, 2, 1), np.uint8), np.arange(6) % 2
    own = None if validation is None else np.array(validation, np.int64)
    return Dataset(
        "six", images, labels, ("a", "b"), "", "six", SealedTest(6, lambda: (images, labels)), validation=own
    )


def test_a_source_without_validation_is_carved() -> None:
    """If the source has no validation images, the split is the stratified split."""
    data = _dataset(None)
    assert split_of(data, 2, 7).fingerprint == stratified_split(data.labels, 2, 7).fingerprint


def test_a_sources_own_validation_is_used() -> None:
    """The source's own validation images are used, all of them and no others, whatever the recipe requests."""
    split = split_of(_dataset([1, 4]), 0, 7)
    assert split.validation.tolist() == [1, 4]
    assert split.train.tolist() == [0, 2, 3, 5]


@given(st.lists(st.integers(0, 5), min_size=0, max_size=80), st.integers(0, 2**40))
def test_halves_are_even_in_every_class(classes: list[int], seed: int) -> None:
    """The halves are disjoint and complete, and their sizes differ by at most 1, in total and per class."""
    labels = np.array([*classes, 7, 8], np.int64)
    validation = np.arange(len(classes))
    one, two = split_in_halves(validation, labels, seed)
    assert sorted([*one, *two]) == validation.tolist()
    assert 0 <= len(one) - len(two) <= 1
    for part in (one, two):
        assert (np.diff(part) > 0).all()
    counts = [np.bincount(labels[part], minlength=9) for part in (one, two)]
    assert np.abs(counts[0] - counts[1]).max() <= 1
    again = split_in_halves(validation, labels, seed)
    np.testing.assert_array_equal(again[0], one)


def test_halves_depend_on_the_split_seed() -> None:
    """Another split seed gives other halves."""
    labels = np.arange(100) % 3
    one, two = (split_in_halves(np.arange(100), labels, seed)[0] for seed in (0, 1))
    assert one.tolist() != two.tolist()
