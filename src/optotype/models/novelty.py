"""How unlike the training images an image is: a distance, and the threshold beyond which the model says so.

Two things are looked at, each by its Mahalanobis distance to the nearest class of the training images, with one
covariance for all classes (K. Lee et al., A simple unified framework for detecting out-of-distribution samples and
adversarial attacks, NeurIPS 2018, section 2.1):

- the **features**, what the network's last layer reads, at unit length (M. Mueller, M. Hein, Mahalanobis++: improving
  OOD detection via feature normalization, ICML 2025), on their principal components and by what lies outside of these;
- the **appearance**: brightness, contrast, fineness and colour, because a network that was never shown noise may well
  see one of its classes in it.

The distance is the sum of both squared distances, each over what 99 % of the calibration images stay below.
docs/decisions/0018-doubts.md has what was measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.network import Images, Network
from optotype.errors import DataError, ModelError

REJECTED: Final = 0.01
"""Share of the calibration images that the threshold rejects."""

LEAST: Final = 50
"""Images that a threshold takes at least, and training images likewise."""

LARGEST: Final = 1 << 14
"""Features that can be looked at: more would take a large model file, and long."""

CHUNK: Final = 1000
"""Images whose features are in memory at once."""

_DIRECTIONS: Final = 128
_NUMBERS: Final = 1 << 17  # in the matrix of the directions: half a megabyte
_GREY: Final = 1 / 255
_FLOOR: Final = 1e-6  # of variances: a coordinate that never varied may still be off by a rounding

Array = NDArray[np.float32]
Wide = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Points by class, with one covariance.

    Attributes:
        means: Of the classes, float32 of shape (classes, d), in coordinates in which the covariance is the identity.
        whitening: What takes points to these coordinates, float32 of shape (d, d).
    """

    means: Array
    whitening: Array

    @classmethod
    def fit(cls, points: Array, labels: NDArray[np.integer]) -> "Clusters":
        """Find means and covariance of points of shape (n, d) by their labels of shape (n,)."""
        classes, where = np.unique(labels, return_inverse=True)
        wide = points.astype(np.float64)
        means = np.stack([wide[where == place].mean(axis=0) for place in range(len(classes))])
        whitening = np.linalg.cholesky(np.linalg.inv(_shrunk_covariance(wide - means[where])))
        return cls((means @ whitening).astype(np.float32), whitening.astype(np.float32))

    def distances(self, points: Array) -> Array:
        """Give the squared distance to the nearest mean, of shape (n,), for points of shape (n, d)."""
        white = points @ self.whitening
        # As products of matrices, which is many times faster than differences; rounding may leave less than nothing.
        crossed = _squares(self.means) - 2 * white @ self.means.T
        nearest: Array = np.maximum(_squares(white) + crossed.min(axis=1), 0)
        return nearest


@dataclass(frozen=True, eq=False)
class NoveltyDetector:
    """What training images look like, to the network and as they are.

    Attributes:
        center: Mean of the features at unit length, float32 of shape (features,).
        directions: Their principal components as columns, float32 of shape (features, r).
        features: Classes among the features, in r + 1 coordinates.
        appearance: Classes among the appearances.
        scales: What both squared distances are divided by.
        threshold: The largest distance of an image that is not called unlike the training images.
        rejected: Share of the calibration images that are beyond it.

    Raises:
        ModelError: A number is not finite or out of range.
    """

    center: Array
    directions: Array
    features: Clusters
    appearance: Clusters
    scales: tuple[float, float]
    threshold: float
    rejected: float

    def __post_init__(self) -> None:
        numbers = (*self.tensors().values(), np.array([*self.scales, self.threshold]))
        positive = min(*self.scales, self.threshold) > 0 and 0 <= self.rejected < 1
        if not positive or not all(np.isfinite(each).all() for each in numbers):
            raise ModelError(
                "What the model knows of its training images holds a number that is not finite or out of range,"
                " expected finite ones, a positive threshold and positive scales. Train the model again."
            )

    @classmethod
    def fit(
        cls, network: Network, images: Images, labels: NDArray[np.integer], calibration: Images
    ) -> "NoveltyDetector":
        """Learn what training images look like, and from which distance on an image is unlike them.

        Args:
            network: With the model's weights.
            images: Training images of shape (n, height, width, channels), at least 50, in any order that does not sort
                them by class.
            labels: Their classes, of shape (n,).
            calibration: Images of that shape that were not trained on, at least 50.

        Raises:
            DataError: There are too few images or too many features, or a feature is not finite.
        """
        _check(network, len(images), len(calibration))
        first = _unit(network.logits_and_features(images[:CHUNK])[1])
        if not np.isfinite(first).all():
            raise DataError("A feature is not finite, expected numbers. Train with a lower learning rate.")
        center = first.mean(axis=0)
        rank = min(_DIRECTIONS, len(first) // 2, _NUMBERS // len(center), len(center))
        directions = _principal_directions(first - center, rank)
        points = _by_chunk(lambda part: _points(network, part, center, directions), images)
        features = Clusters.fit(points, labels)
        looks = Clusters.fit(_by_chunk(appearance, images), labels)
        known = _by_chunk(lambda part: _points(network, part, center, directions), calibration)
        both = features.distances(known), looks.distances(_by_chunk(appearance, calibration))
        beyond = int(REJECTED * len(calibration))
        scales = [max(float(np.sort(each)[-1 - beyond]), _FLOOR) for each in both]
        distances = np.sort(both[0] / scales[0] + both[1] / scales[1])
        threshold = max(float(np.float32(distances[-1 - beyond])), _FLOOR)
        return cls(
            center, directions, features, looks, (scales[0], scales[1]), threshold, beyond / len(distances)
        )

    def distances(self, images: Images, features: Array) -> Array:
        """Say how unlike the training images some images are.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
            features: What the network's last layer reads of them, of shape (n, features).

        Returns:
            float32 of shape (n,), 0 or more; larger where less is like the training images.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what is beyond all numbers is unlike enough
            inner = self.features.distances(_coordinates(features, self.center, self.directions))
            outer = self.appearance.distances(appearance(images))
            return np.minimum(inner / self.scales[0] + outer / self.scales[1], np.finfo(np.float32).max)

    def unknown(self, distances: Array) -> NDArray[np.bool_]:
        """Say which distances are those of images unlike the training images; one that is no number is."""
        return ~(distances <= self.threshold)

    def tensors(self) -> dict[str, Array]:
        """Give all arrays by name."""
        return {
            "center": self.center,
            "directions": self.directions,
            "features.means": self.features.means,
            "features.whitening": self.features.whitening,
            "appearance.means": self.appearance.means,
            "appearance.whitening": self.appearance.whitening,
        }


def appearance(images: Images) -> Array:
    """Describe what images look like as a whole.

    Args:
        images: uint8, or float32 in 0..1, of shape (n, height, width, channels).

    Returns:
        float32 of shape (n, 4), or (n, 5) with several channels: brightness in 0 .. 1, then as logarithms contrast,
        difference between rows, difference between columns, and difference between channels. Contrast and
        differences are root mean squares, to which one grey level of 255 is added, so that none is nothing.
    """
    pixels = images.astype(np.float32) / 255 if images.dtype == np.uint8 else images
    grey = pixels.mean(axis=3)
    brightness = grey.mean(axis=(1, 2))
    parts = [grey - brightness[:, None, None], np.diff(grey, axis=1), np.diff(grey, axis=2)]
    if pixels.shape[3] > 1:
        parts.append(pixels - grey[..., None])
    return np.stack([brightness, *map(_log_size, parts)], axis=1)


def appearance_size(channels: int) -> int:
    """Give how many numbers describe what an image with so many channels looks like."""
    return 4 if channels == 1 else 5


def _log_size(part: Array) -> Array:
    flat = part.reshape(len(part), -1)
    # An image of one row has no difference between rows.
    size: Array = np.log(_GREY + np.sqrt(_squares(flat) / max(flat.shape[1], 1)))
    return size


def _squares(rows: NDArray[Any]) -> NDArray[Any]:
    """Add up the squares of each row."""
    squares: NDArray[Any] = np.einsum("ij,ij->i", rows, rows)
    return squares


def _check(network: Network, images: int, calibration: int) -> None:
    if min(images, calibration) < LEAST:
        raise DataError(
            f"{images} training and {calibration} validation images are too few to tell what is unlike them, expected"
            f" {LEAST} of each. Give more images, or set more aside for validation."
        )
    width = network.rows[-1].input_shape[0]
    if width > LARGEST:
        raise DataError(
            f"The last layer reads {width:,} features, expected at most {LARGEST:,} to tell what is unlike the training"
            " images. Add a smaller layer before it."
        )


def _unit(features: Array) -> Array:
    lengths = np.sqrt(_squares(features))[:, np.newaxis]
    unit: Array = features / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def _coordinates(features: Array, center: Array, directions: Array) -> Array:
    """Give the components along the directions, and the distance from what these span."""
    away = _unit(features) - center
    along = away @ directions
    rest = np.maximum(_squares(away) - _squares(along), 0)
    return np.column_stack([along, np.sqrt(rest)])


def _principal_directions(away: Array, rank: int) -> Array:
    """Give the directions in which points of shape (n, d) lie farthest apart, as columns, the farthest last."""
    n, d = away.shape
    if rank == d:  # any directions span all; the covariance takes care of their lengths
        return np.eye(d, dtype=np.float32)
    products = away.T @ away if d <= n else away @ away.T
    vectors = np.linalg.eigh(products)[1][:, -rank:]
    directions = vectors if d <= n else away.T @ vectors
    lengths = np.maximum(np.linalg.norm(directions, axis=0), np.finfo(np.float32).tiny)
    return np.ascontiguousarray(directions / lengths, np.float32)


def _points(network: Network, images: Images, center: Array, directions: Array) -> Array:
    return _coordinates(network.logits_and_features(images)[1], center, directions)


def _by_chunk(compute: Callable[[Images], Array], images: Images) -> Array:
    return np.concatenate([compute(images[first : first + CHUNK]) for first in range(0, len(images), CHUNK)])


def _shrunk_covariance(rests: Wide) -> Wide:
    """Estimate a covariance that can be inverted, from deviations of shape (n, d).

    Source: O. Ledoit, M. Wolf, A well-conditioned estimator for large-dimensional covariance matrices, Journal of
    Multivariate Analysis 88 (2004), 365-411, lemma 3.2 to 3.4: a mixture with a multiple of the identity.
    """
    n, d = rests.shape
    sample = rests.T @ rests / n
    scale = np.trace(sample) / d
    spread = ((sample - scale * np.eye(d)) ** 2).sum()
    error = (((rests**2).sum(axis=1) ** 2).sum() / n - (sample**2).sum()) / n
    weight = min(error / spread, 1.0) if spread > 0 else 1.0
    shrunk: Wide = (1 - weight) * sample + (weight * scale + _FLOOR) * np.eye(d)
    return shrunk
