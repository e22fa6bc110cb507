"""Near duplicates: images that are equal but for a shift, a small rotation, noise, compression or exposure.

The search has two stages. Candidates are nearest neighbours by their Fourier amplitudes, which do not change when an
image is shifted. A candidate is then aligned with the image where both agree best, and the remaining difference is
compared with that between the image and its further neighbours. So every image has a threshold of its own: where a set
is dense, as among MNIST's ones, images must be far more alike to count as near duplicates than where it is sparse.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Floats = NDArray[np.float32]

MIN_IMAGES: Final = 50
"""Least number of images for the density of a set to be known."""
MIN_SIDE: Final = 8
"""Least side of an image in pixels."""
MAX_DIFFERENCE: Final = 0.35
"""Images count as near duplicates below this share of the difference that is usual in their neighbourhood.

docs/decisions/0016-doctor.md explains how it was chosen.
"""

_NEIGHBOURS: Final = 10
# Only further neighbours show which difference is usual: the nearest may be copies too.
_REFERENCE_NEIGHBOURS: Final = (5, 7, 9)
_MAX_CANDIDATE_DISTANCE: Final = 0.45  # as a share of the distance to the last neighbour
# If more than ten copies lie together, all neighbours are copies. The usual difference therefore never falls below this
# share of its median over the class.
_MIN_USUAL_SHARE: Final = 0.5
_FREQUENCIES: Final = 10
_COMPONENTS: Final = 64
_MAX_PCA_IMAGES: Final = 10_000
_MAX_IMAGES_PER_CLASS: Final = 100
_MAX_SHIFT: Final = 3  # pixels
_CHUNK: Final = 1024
_EPSILON: Final = 1e-6


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of near duplicates.

    Attributes:
        queries: int64 of shape (m,): indices of the images that were searched for.
        matches: int64 of shape (m,): for each the index of the image that it is a copy of.
        differences: float32 of shape (m,): the difference of each pair, from 0 (none) to MAX_DIFFERENCE.
    """

    queries: NDArray[np.int64]
    matches: NDArray[np.int64]
    differences: Floats


class NearDuplicateIndex:
    """An index of images in which near duplicates are searched for.

    Args:
        images: uint8 of shape (n, height, width, channels), all different; n at least 50, sides of 8 to 32 pixels.
        labels: Their classes, int64 of shape (n,).
    """

    def __init__(self, images: Images, labels: Labels) -> None:
        from sklearn.decomposition import PCA  # noqa: PLC0415 - takes seconds to import
        from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - the same

        self._images, self._labels = images, labels
        sample = np.linspace(0, len(images) - 1, min(len(images), _MAX_PCA_IMAGES)).astype(np.int64)
        amplitudes = _amplitudes(images[sample])
        components = min(_COMPONENTS, *amplitudes.shape)
        self._pca = PCA(components, svd_solver="covariance_eigh").fit(amplitudes)
        self._search = NearestNeighbors(n_neighbors=_NEIGHBOURS, algorithm="brute")
        self._search.fit(self._features(images))
        self._distances, self._neighbours = self._search.kneighbors()
        self._class_distances = _class_medians(self._distances[:, -1], labels, int(labels.max()) + 1)
        self._class_residuals = self._compute_class_residuals()

    def find_within(self) -> NearDuplicates:
        """Find near duplicates among the images of the index; a pair may appear in both orders."""
        return self._compare(self._images, self._labels, self._distances, self._neighbours)

    def find(self, images: Images, labels: Labels) -> NearDuplicates:
        """Find the near duplicates of other images in the index.

        Args:
            images: uint8 of shape (m, height, width, channels), of the same shape as the images of the index.
            labels: Their classes, int64 of shape (m,).
        """
        distances, neighbours = self._search.kneighbors(self._features(images))
        return self._compare(images, labels, distances, neighbours)

    def _features(self, images: Images) -> Floats:
        """Compute the principal components of the amplitudes, float32 of shape (n, components)."""
        chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
        features = [self._pca.transform(_amplitudes(chunk)) for chunk in chunks]
        return np.concatenate(features).astype(np.float32)

    def _compare(
        self, images: Images, labels: Labels, distances: Floats, neighbours: Labels
    ) -> NearDuplicates:
        usual_distances = np.maximum(distances[:, -1], _MIN_USUAL_SHARE * self._class_distances[labels])
        queries = np.flatnonzero(distances[:, 0] < _MAX_CANDIDATE_DISTANCE * usual_distances)
        matches = neighbours[queries, 0]
        # An image of a single colour has no usual difference; it keeps its residual of 1.
        usual_residuals = np.maximum(
            self._reference_residuals(images[queries], neighbours[queries]),
            _MIN_USUAL_SHARE * self._class_residuals[labels[queries]],
        )
        differences = residuals(images[queries], self._images[matches]) / np.maximum(
            usual_residuals, _EPSILON
        )
        near = differences < MAX_DIFFERENCE
        return NearDuplicates(queries[near], matches[near], differences[near])

    def _reference_residuals(self, images: Images, neighbours: Labels) -> Floats:
        """Compute the median residual between images and their further neighbours, float32 of shape (m,)."""
        references = [
            residuals(images, self._images[neighbours[:, place]]) for place in _REFERENCE_NEIGHBOURS
        ]
        return np.median(np.stack(references), axis=0).astype(np.float32)

    def _compute_class_residuals(self) -> Floats:
        """Compute the median reference residual of each class on a sample, float32 of shape (classes,)."""
        classes = int(self._labels.max()) + 1
        members = [np.flatnonzero(self._labels == label) for label in range(classes)]
        sample = np.concatenate([rows[:: max(1, len(rows) // _MAX_IMAGES_PER_CLASS)] for rows in members])
        references = self._reference_residuals(self._images[sample], self._neighbours[sample])
        return _class_medians(references, self._labels[sample], classes)


def residuals(images: Images, others: Images) -> Floats:
    """Compute the difference between pairs of images after aligning them where they agree best.

    Args:
        images: uint8 of shape (n, height, width, channels).
        others: The images to compare with, of the same shape.

    Returns:
        float32 of shape (n,) in 0..1: sqrt(1 - c^2) for the largest correlation c of the overlapping parts, over shifts
        of up to an eighth of the side and at most 3 pixels. It is 0 if only position, brightness and contrast differ.
    """
    chunks = [
        _chunk_residuals(images[start : start + _CHUNK], others[start : start + _CHUNK])
        for start in range(0, len(images), _CHUNK)
    ]
    return np.concatenate([np.empty(0, np.float32), *chunks])


def _chunk_residuals(images: Images, others: Images) -> Floats:
    height, width = images.shape[1:3]
    max_shift = min(_MAX_SHIFT, height // 8, width // 8)
    left, right = images.astype(np.float32), others.astype(np.float32)
    best = np.zeros(len(images), np.float32)
    for dy in range(-max_shift, max_shift + 1):
        for dx in range(-max_shift, max_shift + 1):
            left_part = left[:, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
            right_part = right[:, max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)]
            correlation = np.einsum("nhwc,nhwc->n", _standardize(left_part), _standardize(right_part))
            best = np.maximum(best, correlation)
    residual: Floats = np.sqrt(1 - np.minimum(best, 1) ** 2)
    return residual


def _standardize(images: Floats) -> Floats:
    """Subtract the mean of each channel, and scale each image to norm 1; an image of a single colour becomes 0."""
    return _normalize(images - images.mean(axis=(1, 2), keepdims=True))


def _amplitudes(images: Images) -> Floats:
    """Compute the amplitudes of the lower frequencies, float32 of shape (n, features), with norm 1."""
    from scipy.fft import rfft2  # noqa: PLC0415 - loaded only when needed

    grey = images.mean(axis=3, dtype=np.float32)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    height, width = grey.shape[1:]
    # A window that falls to zero at the edges, which would otherwise dominate the spectrum.
    grey *= _sine_window(height)[:, np.newaxis] * _sine_window(width)
    amplitudes = np.abs(rfft2(grey, axes=(1, 2)))
    row_count, column_count = (min(_FREQUENCIES, side // 2) for side in (height, width))
    rows = np.r_[0:row_count, 1 - row_count : 0]
    return _normalize(amplitudes[:, rows, :column_count]).reshape(len(images), -1)


def _sine_window(side: int) -> Floats:
    return np.sin(np.pi * (np.arange(side) + 0.5) / side).astype(np.float32)


def _normalize(values: Floats) -> Floats:
    """Scale each item along the first axis to Euclidean norm 1."""
    axes = tuple(range(1, values.ndim))
    norms: Floats = np.sqrt((values * values).sum(axis=axes, keepdims=True))
    scaled: Floats = (values / np.maximum(norms, _EPSILON)).astype(np.float32, copy=False)
    return scaled


def _class_medians(values: NDArray[np.floating], labels: Labels, classes: int) -> Floats:
    """Compute the median of each class, float32 of shape (classes,); a class without values gets the overall median."""
    overall = float(np.median(values))
    members = [values[labels == label] for label in range(classes)]
    return np.array([np.median(group) if len(group) else overall for group in members], np.float32)
