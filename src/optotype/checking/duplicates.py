"""Duplicates: exact and near copies of images, with the same label or different ones, within a split or across."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.examples import of_test, of_training
from optotype.checking.findings import SPLITS, Finding, Picture
from optotype.checking.near_duplicates import MIN_IMAGES, MIN_SIDE, NearDuplicateIndex, NearDuplicates
from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.storage.digests import digests, match_digests

_NO_PAIRS: Final = NearDuplicates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


class DuplicateSearch:
    """A search for exact and near copies of the training images.

    Args:
        data: The data set.
        small: Its training images with sides of at most 32 pixels, uint8 of shape (n, height, width, channels).

    Attributes:
        groups: int64 of shape (n,): images with the same number are copies of each other, exact or near.
        skip_reason: Why near duplicates cannot be searched for, in one sentence; empty if they can.
    """

    def __init__(self, data: Dataset, small: NDArray[np.uint8]) -> None:
        self._data = data
        self._digests = digests(data.images)
        self._first_copies = match_digests(self._digests, self._digests)
        # The index holds one image of each group of exact copies; as neighbours they would hide near duplicates.
        self._distinct = np.unique(self._first_copies)
        self.skip_reason = _skip_reason(len(self._distinct), small.shape[1:3])
        pairs = _NO_PAIRS
        if not self.skip_reason:
            self._index = NearDuplicateIndex(small[self._distinct], data.labels[self._distinct])
            pairs = self._index.find_within()
        self._left, self._right = self._distinct[pairs.queries], self._distinct[pairs.matches]
        self._differences = pairs.differences
        rows = np.arange(len(self._first_copies))
        self.groups = _connected_components(
            len(rows), np.r_[rows, self._left], np.r_[self._first_copies, self._right]
        )

    def findings(self) -> list[Finding]:
        """List the copies among the training images: duplicates, conflicting labels, and leaks into validation."""
        exact = [self._group_finding(group) for group in _groups(self._first_copies)]
        components = _connected_components(len(self._first_copies), self._left, self._right)
        smallest = np.ones(len(components))
        np.minimum.at(smallest, components[self._left], self._differences)
        near = [
            self._group_finding(group, float(smallest[components[group[0]]])) for group in _groups(components)
        ]
        return exact + near

    def leaks(self, opened: OpenedTest) -> list[Finding]:
        """List the test images with a copy, exact or near, among the training images."""
        matches = match_digests(self._digests, digests(opened.images))
        exact = [
            self._leak_finding(opened, test, int(matches[test]), 0.0)
            for test in np.flatnonzero(matches >= 0).tolist()
        ]
        if self.skip_reason:
            return exact
        rest = np.flatnonzero(matches < 0)
        pairs = self._index.find(thumbnails(opened.images[rest]), opened.labels[rest])
        return exact + [
            self._leak_finding(opened, test, train, difference)
            for test, train, difference in zip(
                rest[pairs.queries].tolist(),
                self._distinct[pairs.matches].tolist(),
                pairs.differences.tolist(),
                strict=True,
            )
        ]

    def _group_finding(self, group: Sequence[int], difference: float | None = None) -> Finding:
        """Return the finding for a group of copies; without a difference they are exact."""
        pictures = tuple(of_training(self._data, index) for index in group)
        labels = _labels(pictures)
        share = f"{difference or 0:.0%} of the usual difference between such images"
        equality = "equal in every pixel" if difference is None else f"nearly equal ({share})"
        conflict = f", but labelled {_join(labels)}" if len(labels) > 1 else ""
        similarity = 1 - (difference or 0)
        if len({picture.split for picture in pictures}) > 1:
            message = f"{len(group)} images in training and validation are {equality}{conflict}."
            return Finding("leak", message, similarity + bool(conflict), pictures)
        if conflict:
            return Finding("conflict", f"{len(group)} images are {equality}{conflict}.", similarity, pictures)
        message = f"{len(group)} images of {labels[0]!r} are {equality}."
        if difference is None:
            return Finding("duplicate", message, len(group), pictures)
        return Finding("near_duplicate", message, similarity, pictures)

    def _leak_finding(self, opened: OpenedTest, test: int, train: int, difference: float) -> Finding:
        pictures = of_test(self._data, opened, test), of_training(self._data, train)
        labels = _labels(pictures)
        equality = f"nearly equals ({difference:.0%} of the usual difference)" if difference else "equals"
        conflict = f", but they are labelled {_join(labels)}" if len(labels) > 1 else ""
        message = f"Test image {test} {equality} {SPLITS[pictures[1].split]} image {train}{conflict}."
        return Finding("leak", message, 1 - difference + (len(labels) > 1), pictures)


def _skip_reason(images: int, sides: tuple[int, ...]) -> str:
    if min(sides) < MIN_SIDE:
        return f"Images of {sides[0]} x {sides[1]} pixels are too small, expected sides of at least {MIN_SIDE} pixels."
    if images < MIN_IMAGES:
        return f"{images} different images are too few to know the usual difference, expected at least {MIN_IMAGES}."
    return ""


def _connected_components(n: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups that pairs form among n images: linked images get the same number."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - loaded only when needed
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - the same

    links = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    _, components = connected_components(links, directed=False)
    return np.asarray(components, np.int64)


def _groups(numbers: NDArray[np.int64]) -> list[list[int]]:
    """Collect the indices that share a number, in groups of at least two."""
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order])) + 1
    return [group.tolist() for group in np.split(order, starts) if len(group) > 1]


def _labels(pictures: Sequence[Picture]) -> list[str]:
    return list(dict.fromkeys(picture.label for picture in pictures))


def _join(labels: Sequence[str]) -> str:
    return " and ".join(repr(label) for label in labels)
