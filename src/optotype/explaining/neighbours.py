"""Nearest neighbours: the training images with the most similar features, the inputs of the model's last layer.

As in Deep k-nearest neighbors (N. Papernot, P. McDaniel, arXiv:1803.04765, section 3), for one layer. Features are
compared at unit length, as in `models/novelty.py`, because more neighbours then have the image's own label
(docs/decisions/0031-explaining.md). Only images that the model was trained on are searched, never validation or test
images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.pictures.decode import Picture
from optotype.data.splits import stratified_split
from optotype.errors import DataError
from optotype.models.inputs import Pixels, as_batch
from optotype.models.model import Model
from optotype.randomness import purpose
from optotype.runs.origin import read_origin, reload_data
from optotype.runs.targets import open_target

Array = NDArray[np.float32]
Features = Callable[[Pixels], Array]
"""A forward pass: images of shape (n, height, width, channels) in, features of shape (n, d) out."""

_MAX_FEATURE_BYTES: Final = 1 << 28
_FORWARD_CHUNK: Final = 1 << 17
"""Pixel values in one forward pass."""
_DISTANCE_CHUNK: Final = 1 << 17
"""Features that are compared at a time: half a megabyte, which fits into a processor cache."""
_WITHOUT_ADDED: Final = "The {} additional training images have changed since training and are left out."
# Makes the random sample independent of every split.
_SAMPLE_SEED: Final = purpose("similar")


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image with similar features.

    Attributes:
        image: uint8 of shape (height, width, channels).
        label: Name of its class in the data.
        distance: Euclidean distance between the features of both images at unit length: from 0, as for equal images, to
            2. The smallest distance is the largest cosine.
        file: Its file name relative to the source of the data; None if the images have no files.
    """

    image: NDArray[np.uint8]
    label: str
    distance: float
    file: str | None


class Neighbours:
    """An index of the images that a model was trained on, for a search by similarity. Created by `fit`.

    Attributes:
        note: A sentence on training images that are left out; None if none are.
    """

    def __init__(
        self, model: Model, data: Dataset, train: NDArray[np.int64], features: Features | None = None
    ) -> None:
        """Compute the features of the training images.

        Args:
            model: The model.
            data: The data set that it was trained on.
            train: The rows of the images that it was trained on.
            features: As for `fit`.

        Raises:
            DataError: If a feature is not finite, or there are too many features to store.
        """
        width = model.network.rows[-1].input_shape[0]
        rows, self.note = _sample(data.labels, train, _MAX_FEATURE_BYTES // (4 * width))
        compute = _features_of(model) if features is None else features
        chunk = max(1, _FORWARD_CHUNK // data.images[0].size)
        self._features = np.empty((len(rows), width), np.float32)
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            self._features[part] = _normalize(compute(data.images[rows[part]]))
        self._model, self._data, self._rows = model, data, rows

    @classmethod
    def fit(
        cls, target: object, data: Dataset | None = None, *, features: Features | None = None
    ) -> "Neighbours":
        """Load the training data of a run or model again, and compute the features of its training images.

        If the additional images have changed since training, only the source's own images are used.

        Args:
            target: A run, a model, or the path of either.
            data: The training data, if they were in memory; None to load them from their source.
            features: A function that computes the features. It is called with a few images at a time, so that a server
                can answer requests in between, and it can stop the computation by raising an error. None for the model
                itself.

        Raises:
            DataError: If the source is missing or has changed, or there are too many features to store.
            ModelError: If the model does not name its training data.
            RunError: If there is no run, it did not finish, or its split is no longer the same.
        """
        model = open_target(target).model
        origin = read_origin(model)
        try:
            data, split = reload_data(origin, model.recipe, data)
        except DataError:
            if not origin.data.added:
                raise
            # More corrections may have been saved since training; the source itself is unchanged.
            data, split = reload_data(origin, model.recipe, data, with_added=False)
            neighbours = cls(model, data, split.train, features)
            notes = (_WITHOUT_ADDED.format(origin.data.added), neighbours.note)
            neighbours.note = " ".join(filter(None, notes))
            return neighbours
        return cls(model, data, split.train, features)

    def __len__(self) -> int:
        """Return the number of images that are searched."""
        return len(self._rows)

    def nearest(
        self, image: Pixels | Picture, k: int = 6, *, features: Features | None = None
    ) -> list[Neighbour]:
        """Return the training images with the most similar features.

        Args:
            image: One image: an array without the batch axis, or an image file; otherwise as for `Model.logits`.
            k: Number of neighbours, at least 1; all images if there are fewer.
            features: As for `fit`; called once.

        Returns:
            The neighbours by increasing distance; equal distances are in the order of the data.

        Raises:
            DataError: If `k` is below 1, a feature is not finite, or the image has another shape or range.
            ImageError: If the image file cannot be read.
        """
        if k < 1:
            raise DataError(f"k is {k}, expected at least 1 neighbour. Pass k=1 or more.")
        batch = as_batch([image], self._model.input_shape)
        compute = _features_of(self._model) if features is None else features
        indices, distances = find_nearest(self._features, _normalize(compute(batch))[0], k)
        return [self._neighbour(index, distance) for index, distance in zip(indices, distances, strict=True)]

    def _neighbour(self, index: int, distance: float) -> Neighbour:
        row = self._rows[index]
        return Neighbour(
            image=self._data.images[row],
            label=self._data.class_names[self._data.labels[row]],
            distance=float(distance),
            file=None if self._data.files is None else self._data.files[row],
        )


def find_nearest(rows: Array, point: Array, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the rows nearest to a point, with the same result as in double precision.

    All rows are compared in single precision, as differences, which avoids cancellation. Rows that could be among the
    nearest despite the rounding are compared again in double precision.

    Args:
        rows: Finite float32 of shape (n, d), n at least 1.
        point: Finite float32 of shape (d,).
        k: Number of rows to find, at least 1.

    Returns:
        Indices and Euclidean distances of shape (min(k, n),), sorted by distance, then by index.
    """
    squares = np.empty(len(rows), np.float32)
    step = max(1, _DISTANCE_CHUNK // rows.shape[1])
    with np.errstate(over="ignore"):  # values beyond single precision are compared again in double precision
        for start in range(0, len(rows), step):
            difference = rows[start : start + step] - point
            squares[start : start + step] = np.einsum("ij,ij->i", difference, difference)
    k = min(k, len(rows))
    # Each of the d + 2 roundings of a sum of squares is at most eps times it, or the smallest number.
    limits, roundings = np.finfo(np.float32), rows.shape[1] + 2
    kth = float(np.partition(squares, k - 1)[k - 1])
    nearby = np.flatnonzero(
        squares <= kth * (1 + 4 * roundings * float(limits.eps)) + roundings * float(limits.tiny)
    )
    exact = np.array([_distance(rows[index], point) for index in nearby])
    order = np.argsort(exact, kind="stable")[:k]
    return nearby[order], exact[order]


def _distance(row: Array, point: Array) -> float:
    return float(np.linalg.norm(row.astype(np.float64) - point.astype(np.float64)))


def _features_of(model: Model) -> Features:
    return lambda images: model.network.logits_and_features(images)[1]


def _normalize(features: Array) -> Array:
    """Scale features of shape (n, d) to unit length; rows of length 0 stay 0."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise DataError(
            "A feature is not finite, expected finite numbers. Train the model with a lower learning rate."
        )
    return (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _sample(
    labels: NDArray[np.int64], train: NDArray[np.int64], max_rows: int
) -> tuple[NDArray[np.int64], str | None]:
    """Return the rows to search: all training rows, or a stratified sample with a note."""
    if len(train) <= max_rows:
        return train, None
    classes = len(np.unique(labels[train]))
    if max_rows < classes:
        raise DataError(
            f"256 MB hold the features of {max_rows} images, expected room for one image of each of the {classes}"
            " classes. Add a smaller layer before the last one."
        )
    sample = train[stratified_split(labels[train], len(train) - max_rows, _SAMPLE_SEED).train]
    return sample, (
        f"Similar images are searched among {len(sample):,} of the {len(train):,} training images, whose features fit"
        " into 256 MB."
    )
