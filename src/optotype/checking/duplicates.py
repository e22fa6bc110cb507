"""Images that are there more than once: exactly or nearly, under one label or two, in one split or two."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.examples import of_test, of_training
from optotype.checking.findings import SPLITS, Finding, Picture
from optotype.checking.near_duplicates import FEWEST, SMALLEST_SIDE, Likeness, Pairs
from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.storage.digests import digests, match_digests

_NOTHING: Final = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


class Copies:
    """The training images, ready to be searched for copies.

    Args:
        data: The data set.
        small: Its training images in at most 32 x 32 pixels, uint8 of shape (n, height, width, channels).

    Attributes:
        groups: int64 of shape (n,): images with the same number are copies of one another, exact or near.
        too_little: Why near duplicates cannot be looked for, in a sentence; empty where they can.
    """

    def __init__(self, data: Dataset, small: NDArray[np.uint8]) -> None:
        self._data = data
        self._digests = digests(data.images)
        self._first = match_digests(self._digests, self._digests)
        # Exact copies are no neighbours of one another: they would hide the near ones.
        self._different = np.unique(self._first)
        self.too_little = _too_little(len(self._different), small.shape[1:3])
        pairs = _NOTHING
        if not self.too_little:
            self._likeness = Likeness(small[self._different], data.labels[self._different])
            pairs = self._likeness.within()
        self._one, self._other = self._different[pairs.asked], self._different[pairs.found]
        self._difference = pairs.difference
        everyone = np.arange(len(self._first))
        self.groups = _connected(len(everyone), np.r_[everyone, self._one], np.r_[self._first, self._other])

    def findings(self) -> list[Finding]:
        """List the copies among the training images: duplicates, images under two labels, leaks into validation."""
        found = [self._group(group) for group in _groups(self._first)]
        roots = _connected(len(self._first), self._one, self._other)
        least = np.ones(len(roots))
        np.minimum.at(least, roots[self._one], self._difference)
        return found + [self._group(group, float(least[roots[group[0]]])) for group in _groups(roots)]

    def leaks(self, opened: OpenedTest) -> list[Finding]:
        """List the test images of which there is a copy, exact or near, among the training images."""
        exact = match_digests(self._digests, digests(opened.images))
        found = [
            self._leak(opened, test, int(exact[test]), 0.0) for test in np.flatnonzero(exact >= 0).tolist()
        ]
        if self.too_little:
            return found
        rest = np.flatnonzero(exact < 0)
        pairs = self._likeness.across(thumbnails(opened.images[rest]), opened.labels[rest])
        return found + [
            self._leak(opened, test, train, difference)
            for test, train, difference in zip(
                rest[pairs.asked].tolist(),
                self._different[pairs.found].tolist(),
                pairs.difference.tolist(),
                strict=True,
            )
        ]

    def _group(self, group: Sequence[int], difference: float | None = None) -> Finding:
        """Say what copies are to one another; without a difference they are exact."""
        pictures = tuple(of_training(self._data, index) for index in group)
        labels = _labels(pictures)
        amount = f"{difference or 0:.0%} of the difference that is usual among such images"
        alike = "the same, pixel by pixel" if difference is None else f"nearly the same ({amount})"
        but = f", but labelled {_listed(labels)}" if len(labels) > 1 else ""
        likeness = 1 - (difference or 0)
        if len({picture.split for picture in pictures}) > 1:
            said = f"{len(group)} images, in training and in validation, are {alike}{but}."
            return Finding("leak", said, likeness + bool(but), pictures)
        if but:
            return Finding("conflict", f"{len(group)} images are {alike}{but}.", likeness, pictures)
        said = f"{len(group)} images of {labels[0]!r} are {alike}."
        if difference is None:
            return Finding("duplicate", said, len(group), pictures)
        return Finding("near_duplicate", said, likeness, pictures)

    def _leak(self, opened: OpenedTest, test: int, train: int, difference: float) -> Finding:
        pictures = of_test(self._data, opened, test), of_training(self._data, train)
        labels = _labels(pictures)
        likeness = f"nearly ({difference:.0%} of the usual difference)" if difference else "pixel by pixel"
        but = f", but labelled {_listed(labels)}" if len(labels) > 1 else ""
        said = f"Test image {test} is {SPLITS[pictures[1].split]} image {train}, {likeness}{but}."
        return Finding("leak", said, 1 - difference + (len(labels) > 1), pictures)


def _too_little(images: int, sides: tuple[int, ...]) -> str:
    if min(sides) < SMALLEST_SIDE:
        return f"images of {sides[0]} x {sides[1]} pixels hold too little, expected at least {SMALLEST_SIDE} a side."
    if images < FEWEST:
        return f"{images} different images say too little about what is usual, expected at least {FEWEST}."
    return ""


def _connected(n: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups that pairs make of n images: images that are linked get the same number."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - loaded only when needed
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - the same

    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(n, n))
    _, roots = connected_components(links, directed=False)
    return np.asarray(roots, np.int64)


def _groups(roots: NDArray[np.int64]) -> list[list[int]]:
    """Gather the indices that share a number, in groups of at least two."""
    order = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[order])) + 1
    return [group.tolist() for group in np.split(order, starts) if len(group) > 1]


def _labels(pictures: Sequence[Picture]) -> list[str]:
    return list(dict.fromkeys(picture.label for picture in pictures))


def _listed(labels: Sequence[str]) -> str:
    return " and ".join(repr(label) for label in labels)
