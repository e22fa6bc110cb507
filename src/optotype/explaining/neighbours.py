"""Which training images are most like an image to a model: neighbours among what its last layer reads.

As in Deep k-nearest neighbors (N. Papernot, P. McDaniel, arXiv:1803.04765, section 3), for one layer. What it reads is
compared at unit length, as `models/novelty.py` does, for then more neighbours have the image's own label
(docs/decisions/0031-explaining.md). Only images that trained are looked through, never validation or test.
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
"""A forward pass: images of shape (n, height, width, channels) in, what the last layer reads of each out."""

_MEMORY: Final = 1 << 28  # bytes of features at most
_CHUNK: Final = 1 << 17  # numbers in the images that are predicted at once
_AT_ONCE: Final = 1 << 17  # features that are compared at once: half a megabyte, which a cache holds
_WITHOUT_ADDED: Final = "The {} pictures that were added for the training have changed; they are left out."
# Sets the hash of the sample apart from that of every split: the word "similar" in ASCII.
_SIMILAR: Final = purpose("similar")


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image that is like another.

    Attributes:
        image: uint8 of shape (height, width, channels).
        label: Name of its class in the data.
        distance: Euclidean, between what the model's last layer reads of both images, at unit length: from 0, as for
            the same image, to 2. The nearest has the largest cosine.
        file: Its name relative to the source of the data; None where images have no files.
    """

    image: NDArray[np.uint8]
    label: str
    distance: float
    file: str | None


class Neighbours:
    """The images that a model was trained on, to be found by likeness; made by `prepare`.

    Attributes:
        note: A sentence on what is not looked through; None where every image that trained is.
    """

    def __init__(
        self, model: Model, data: Dataset, train: NDArray[np.int64], features: Features | None = None
    ) -> None:
        """Look at the images that trained.

        Args:
            model: What looks.
            data: The data set that it was trained on.
            train: Which of its images trained.
            features: As for `prepare`.

        Raises:
            DataError: A feature is not finite, or there are too many to be kept.
        """
        width = model.network.rows[-1].input_shape[0]
        chosen, self.note = _chosen(data.labels, train, _MEMORY // (4 * width))
        compute = _features_of(model) if features is None else features
        chunk = max(1, _CHUNK // data.images[0].size)
        self._features = np.empty((len(chosen), width), np.float32)
        for start in range(0, len(chosen), chunk):
            part = slice(start, start + chunk)
            self._features[part] = _unit(compute(data.images[chosen[part]]))
        self._model, self._data, self._chosen = model, data, chosen

    @classmethod
    def prepare(
        cls, target: object, data: Dataset | None = None, *, features: Features | None = None
    ) -> "Neighbours":
        """Load the data of a run or model again, and look at all images that trained.

        Where the pictures that were added to its source have changed since, the source's own are looked at.

        Args:
            target: A run, a model, or the path of either.
            data: The data, where the caller has them; None to load them from where they came.
            features: What computes the features, called with a few images at a time, so that a server can answer
                others in between, and end it by raising an error; None for the model itself.

        Raises:
            DataError: The source is gone or changed, or there are too many features.
            ModelError: The model does not say on what it was trained.
            RunError: There is no run, it did not end well, or its split is no longer the same.
        """
        model = open_target(target).model
        origin = read_origin(model)
        try:
            data, split = reload_data(origin, model.recipe, data)
        except DataError:
            if not origin.data.added:
                raise
            # More corrections may have been collected since; the source itself is still there.
            data, split = reload_data(origin, model.recipe, data, with_added=False)
            found = cls(model, data, split.train, features)
            found.note = " ".join(filter(None, (_WITHOUT_ADDED.format(origin.data.added), found.note)))
            return found
        return cls(model, data, split.train, features)

    def __len__(self) -> int:
        """How many images are looked through."""
        return len(self._chosen)

    def nearest(
        self, image: Pixels | Picture, k: int = 6, *, features: Features | None = None
    ) -> list[Neighbour]:
        """Find the images that are most like another to the model.

        Args:
            image: One image: an array without the axis of images, or a picture; otherwise as for `Model.logits`.
            k: How many, at least 1; all of them where there are fewer.
            features: As for `prepare`; called once.

        Returns:
            The nearest first; of equal ones, the one that comes first in the data.

        Raises:
            DataError: `k` is below 1, a feature is not finite, or the image has another shape or range.
            ImageError: The picture cannot be read.
        """
        if k < 1:
            raise DataError(f"{k} neighbours were asked for, expected at least 1. Ask for 1 or more.")
        batch = as_batch([image], self._model.input_shape)
        compute = _features_of(self._model) if features is None else features
        places, distances = nearest(self._features, _unit(compute(batch))[0], k)
        return [self._neighbour(place, distance) for place, distance in zip(places, distances, strict=True)]

    def _neighbour(self, place: int, distance: float) -> Neighbour:
        index = self._chosen[place]
        return Neighbour(
            image=self._data.images[index],
            label=self._data.class_names[self._data.labels[index]],
            distance=float(distance),
            file=None if self._data.files is None else self._data.files[index],
        )


def nearest(rows: Array, point: Array, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the rows nearest to a point, exactly as in double precision.

    All are compared in single precision, as differences, which cancel nothing; those that may be among the nearest
    for all its roundings are compared again.

    Args:
        rows: Finite float32 of shape (n, d), n at least 1.
        point: Finite float32 of shape (d,).
        k: How many, at least 1.

    Returns:
        Indices and Euclidean distances of shape (min(k, n),), sorted by distance, then by index.
    """
    squares = np.empty(len(rows), np.float32)
    step = max(1, _AT_ONCE // rows.shape[1])
    with np.errstate(over="ignore"):  # what is beyond single precision is compared again
        for start in range(0, len(rows), step):
            away = rows[start : start + step] - point
            squares[start : start + step] = np.einsum("ij,ij->i", away, away)
    k = min(k, len(rows))
    # Each of the d + 2 roundings of a sum of squares is of at most eps of it, or of the smallest number.
    numbers, roundings = np.finfo(np.float32), rows.shape[1] + 2
    kth = float(np.partition(squares, k - 1)[k - 1])
    near = np.flatnonzero(
        squares <= kth * (1 + 4 * roundings * float(numbers.eps)) + roundings * float(numbers.tiny)
    )
    exact = np.array([_distance(rows[place], point) for place in near])
    order = np.argsort(exact, kind="stable")[:k]
    return near[order], exact[order]


def _distance(row: Array, point: Array) -> float:
    return float(np.linalg.norm(row.astype(np.float64) - point.astype(np.float64)))


def _features_of(model: Model) -> Features:
    return lambda images: model.network.logits_and_features(images)[1]


def _unit(features: Array) -> Array:
    """Bring the features of shape (n, d) to unit length; those of length 0 stay."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise DataError("A feature is not finite, expected numbers. Train with a lower learning rate.")
    return (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _chosen(
    labels: NDArray[np.int64], train: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int64], str | None]:
    """Give the images to look at: all that trained, or a sample with each class's share, and a note that says so."""
    if len(train) <= most:
        return train, None
    classes = len(np.unique(labels[train]))
    if most < classes:
        raise DataError(
            f"The last layer reads so many features that those of {most} images fill 256 MB, expected room for one of"
            f" each of the {classes} classes. Add a smaller layer before the last."
        )
    kept = train[stratified_split(labels[train], len(train) - most, _SIMILAR).train]
    return kept, (
        f"Similar images are looked for among {len(kept):,} of the {len(train):,} training images,"
        " as many as fit into 256 MB."
    )
