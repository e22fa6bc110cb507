"""Near duplicates: images that are one another but for a shift, a turn, noise, compression or another exposure.

Two stages. Candidates are nearest neighbours by their Fourier amplitudes, which a shift leaves as they are. A
candidate is then laid over the image where both agree best, and what remains different is compared with what remains
between the image and its further neighbours. So the threshold is that image's own: where a set is dense, as among
MNIST's ones, images must be far more alike to be called copies than where it is sparse.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Floats = NDArray[np.float32]

FEWEST: Final = 50
"""Images that a set needs for its density to be known."""
SMALLEST_SIDE: Final = 8
NEAR: Final = 0.35
"""Images count as near duplicates below this share of the difference that is usual in their neighbourhood; how it was
chosen is in docs/decisions/0016-doctor.md."""

_NEIGHBOURS: Final = 10
# Only further neighbours say what is usual: among the nearest may be more copies.
_USUAL: Final = (5, 7, 9)
_CANDIDATE: Final = 0.45
# Where more than ten copies lie together, all neighbours are copies: what is usual never falls below this share of
# what it is for the median of the class.
_FLOOR: Final = 0.5
_FREQUENCIES: Final = 10
_COMPONENTS: Final = 64
_SAMPLE: Final = 10_000
_SAMPLE_OF_CLASS: Final = 100
_SHIFT: Final = 3
_CHUNK: Final = 1024
_TINY: Final = 1e-6


@dataclass(frozen=True)
class Pairs:
    """Near duplicates, pair by pair.

    Attributes:
        asked: int64 of shape (m,): indices of the images searched for.
        found: int64 of shape (m,): for each the index of the training image it is a copy of.
        difference: float32 of shape (m,): what is different, from 0 for nothing to NEAR.
    """

    asked: NDArray[np.int64]
    found: NDArray[np.int64]
    difference: Floats


class Likeness:
    """Images among which near duplicates are searched.

    Args:
        images: uint8 of shape (n, height, width, channels), no two the same; n at least 50, sides of 8 to 32 pixels.
        labels: Their classes, int64 of shape (n,).
    """

    def __init__(self, images: Images, labels: Labels) -> None:
        from sklearn.decomposition import PCA  # noqa: PLC0415 - seconds to load, only when needed
        from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - the same

        self._images, self._labels = images, labels
        sample = np.linspace(0, len(images) - 1, min(len(images), _SAMPLE)).astype(np.int64)
        amplitudes = _amplitudes(images[sample])
        components = min(_COMPONENTS, *amplitudes.shape)
        self._pca = PCA(components, svd_solver="covariance_eigh").fit(amplitudes)
        self._search = NearestNeighbors(n_neighbors=_NEIGHBOURS, algorithm="brute")
        self._search.fit(self._features(images))
        self._distances, self._neighbours = self._search.kneighbors()
        self._usual_distance = _medians(self._distances[:, -1], labels, int(labels.max()) + 1)
        self._usual_residual = self._residual_of_classes()

    def within(self) -> Pairs:
        """Find the near duplicates among the images themselves; a pair may be there both ways round."""
        return self._compare(self._images, self._labels, self._distances, self._neighbours)

    def across(self, images: Images, labels: Labels) -> Pairs:
        """Find, for other images of the same shape and classes, which are near duplicates of one of these.

        Args:
            images: uint8 of shape (m, height, width, channels).
            labels: Their classes, int64 of shape (m,).
        """
        distances, neighbours = self._search.kneighbors(self._features(images))
        return self._compare(images, labels, distances, neighbours)

    def _features(self, images: Images) -> Floats:
        """Describe images by the principal components of their amplitudes, float32 of shape (n, components)."""
        chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
        parts = [self._pca.transform(_amplitudes(chunk)) for chunk in chunks]
        return np.concatenate(parts).astype(np.float32)

    def _compare(self, images: Images, labels: Labels, distances: Floats, neighbours: Labels) -> Pairs:
        usual = np.maximum(distances[:, -1], _FLOOR * self._usual_distance[labels])
        asked = np.flatnonzero(distances[:, 0] < _CANDIDATE * usual)
        found = neighbours[asked, 0]
        # Nothing is usual about an image that is all one colour; it keeps its residual of 1.
        usual = np.maximum(
            self._residual_of_neighbours(images[asked], neighbours[asked]),
            _FLOOR * self._usual_residual[labels[asked]],
        )
        difference = residuals(images[asked], self._images[found]) / np.maximum(usual, _TINY)
        near = difference < NEAR
        return Pairs(asked[near], found[near], difference[near])

    def _residual_of_neighbours(self, images: Images, neighbours: Labels) -> Floats:
        """Measure what is different between images and their further neighbours, float32 of shape (m,)."""
        all_of_them = [residuals(images, self._images[neighbours[:, place]]) for place in _USUAL]
        return np.median(np.stack(all_of_them), axis=0).astype(np.float32)

    def _residual_of_classes(self) -> Floats:
        """Measure the same for each class as a whole, on a sample."""
        classes = int(self._labels.max()) + 1
        members = [np.flatnonzero(self._labels == label) for label in range(classes)]
        sample = np.concatenate([each[:: max(1, len(each) // _SAMPLE_OF_CLASS)] for each in members])
        found = self._residual_of_neighbours(self._images[sample], self._neighbours[sample])
        return _medians(found, self._labels[sample], classes)


def residuals(ones: Images, others: Images) -> Floats:
    """Measure what is different between images after the one is laid over the other where they agree best.

    Args:
        ones: uint8 of shape (n, height, width, channels).
        others: The same number of images of the same shape.

    Returns:
        float32 of shape (n,) in 0..1: sqrt(1 - c^2) for the largest correlation c of what overlaps, over shifts of up
        to an eighth of the side and at most 3 pixels; 0 where only position, brightness and contrast differ.
    """
    parts = [
        _residuals(ones[start : start + _CHUNK], others[start : start + _CHUNK])
        for start in range(0, len(ones), _CHUNK)
    ]
    return np.concatenate([np.empty(0, np.float32), *parts])


def _residuals(ones: Images, others: Images) -> Floats:
    height, width = ones.shape[1:3]
    reach = min(_SHIFT, height // 8, width // 8)
    one, other = ones.astype(np.float32), others.astype(np.float32)
    best = np.zeros(len(ones), np.float32)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            here = one[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            there = other[:, max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
            agreement = np.einsum("nhwc,nhwc->n", _centred(here), _centred(there))
            best = np.maximum(best, agreement)
    different: Floats = np.sqrt(1 - np.minimum(best, 1) ** 2)
    return different


def _centred(images: Floats) -> Floats:
    """Take the mean of each channel away, and give every image the length 1; one of a single colour has length 0."""
    return _of_length_one(images - images.mean(axis=(1, 2), keepdims=True))


def _amplitudes(images: Images) -> Floats:
    """Describe images by the amplitudes of their lower frequencies: float32 of shape (n, features), of length 1."""
    from scipy.fft import rfft2  # noqa: PLC0415 - loaded only when needed

    grey = images.mean(axis=3, dtype=np.float32)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    height, width = grey.shape[1:]
    # A window that falls to zero at the edges, which else would be a picture of their own.
    grey *= _sine(height)[:, np.newaxis] * _sine(width)
    amplitudes = np.abs(rfft2(grey, axes=(1, 2)))
    tall, wide = (min(_FREQUENCIES, side // 2) for side in (height, width))
    rows = np.r_[0:tall, 1 - tall : 0]
    return _of_length_one(amplitudes[:, rows, :wide]).reshape(len(images), -1)


def _sine(side: int) -> Floats:
    return np.sin(np.pi * (np.arange(side) + 0.5) / side).astype(np.float32)


def _of_length_one(values: Floats) -> Floats:
    axes = tuple(range(1, values.ndim))
    lengths: Floats = np.sqrt((values * values).sum(axis=axes, keepdims=True))
    scaled: Floats = (values / np.maximum(lengths, _TINY)).astype(np.float32, copy=False)
    return scaled


def _medians(values: NDArray[np.floating], labels: Labels, classes: int) -> Floats:
    """Give the median of each class, float32 of shape (classes,); of all together for a class without a value."""
    everywhere = float(np.median(values))
    held = [values[labels == label] for label in range(classes)]
    return np.array([np.median(each) if len(each) else everywhere for each in held], np.float32)
