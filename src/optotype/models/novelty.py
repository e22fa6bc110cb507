"""Novelty detection: a distance from the training images, and a threshold above which an image counts as novel.

The distance combines two Mahalanobis distances to the nearest class of the training images, each with one
covariance for all classes (K. Lee et al., A simple unified framework for detecting out-of-distribution samples and
adversarial attacks, NeurIPS 2018, section 2.1):

- the distance of the **features**, the inputs of the last layer, at unit length (M. Mueller, M. Hein, Mahalanobis++:
  improving OOD detection via feature normalization, ICML 2025), in coordinates of their principal components and of the
  remaining distance from these;
- the distance of the **appearance**: brightness, contrast, fineness and colour, because a network that was never
  trained on noise may assign noise to one of its classes.

The result is the sum of both squared distances, each divided by its 99 % quantile on the calibration images.
docs/decisions/0018-uncertainty.md lists the measurements behind this choice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.network import Images, Network
from optotype.errors import DataError, ModelError

TARGET_RATE: Final = 0.01
"""Share of the calibration images that exceed the threshold."""

MIN_IMAGES: Final = 50
"""Minimum number of calibration images for a threshold, and of training images."""

MAX_FEATURES: Final = 1 << 14
"""Maximum number of features: more would make a large model file and take long."""

CHUNK: Final = 1000
"""Number of images whose features are in memory at once."""

_MAX_DIRECTIONS: Final = 128
_MAX_NUMBERS: Final = 1 << 17  # in the matrix of the directions: half a megabyte
_GREY_LEVEL: Final = 1 / 255
_MIN_VARIANCE: Final = 1e-6  # a coordinate that never varied may still be off by a rounding error

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Class means with one covariance for all classes.

    Attributes:
        means: Means of the classes, float32 of shape (classes, d), in coordinates whose covariance is the identity.
        whitening: Matrix that transforms points to these coordinates, float32 of shape (d, d).
    """

    means: Float32Array
    whitening: Float32Array

    @classmethod
    def fit(cls, points: Float32Array, labels: NDArray[np.integer]) -> "Clusters":
        """Compute means and covariance of points of shape (n, d) with labels of shape (n,)."""
        classes, class_indices = np.unique(labels, return_inverse=True)
        points64 = points.astype(np.float64)
        means = np.stack([points64[class_indices == index].mean(axis=0) for index in range(len(classes))])
        whitening = np.linalg.cholesky(np.linalg.inv(_shrunk_covariance(points64 - means[class_indices])))
        return cls((means @ whitening).astype(np.float32), whitening.astype(np.float32))

    def distances(self, points: Float32Array) -> Float32Array:
        """Return the squared distance to the nearest mean, of shape (n,), of points of shape (n, d)."""
        white = points @ self.whitening
        # Matrix products are many times faster than differences; rounding may make a result negative.
        products = _squared_lengths(self.means) - 2 * white @ self.means.T
        nearest: Float32Array = np.maximum(_squared_lengths(white) + products.min(axis=1), 0)
        return nearest


@dataclass(frozen=True, eq=False)
class NoveltyDetector:
    """A detector of images that are unlike the training images, by features and by appearance.

    Attributes:
        center: Mean of the features at unit length, float32 of shape (features,).
        directions: Their principal components as columns, float32 of shape (features, r).
        features: Classes in feature space, in r + 1 coordinates.
        appearance: Classes in appearance space.
        scales: Divisors of the two squared distances.
        threshold: The largest distance at which an image does not count as novel.
        rate: Share of the calibration images above the threshold, in 0 .. 1.

    Raises:
        ModelError: If a number is not finite or out of range.
    """

    center: Float32Array
    directions: Float32Array
    features: Clusters
    appearance: Clusters
    scales: tuple[float, float]
    threshold: float
    rate: float

    def __post_init__(self) -> None:
        arrays = (*self.tensors().values(), np.array([*self.scales, self.threshold]))
        in_range = min(*self.scales, self.threshold) > 0 and 0 <= self.rate < 1
        if not in_range or not all(np.isfinite(array).all() for array in arrays):
            raise ModelError(
                "The novelty detector has a number that is not finite or out of range, expected finite numbers, a"
                " positive threshold and positive scales. Train the model again."
            )

    @classmethod
    def fit(
        cls, network: Network, images: Images, labels: NDArray[np.integer], calibration: Images
    ) -> "NoveltyDetector":
        """Fit the distance on training images and the threshold on calibration images.

        Args:
            network: The network with the model's weights.
            images: Training images of shape (n, height, width, channels), at least 50, in any order that does not sort
                them by class.
            labels: Their classes, of shape (n,).
            calibration: Images of that shape that were not trained on, at least 50.

        Raises:
            DataError: If there are too few images or too many features, or a feature is not finite.
        """
        _check_sizes(network, len(images), len(calibration))
        first_features = _normalize(network.logits_and_features(images[:CHUNK])[1])
        if not np.isfinite(first_features).all():
            raise DataError(
                "A feature is not finite, expected finite numbers. Train with a lower learning rate."
            )
        center = first_features.mean(axis=0)
        rank = min(_MAX_DIRECTIONS, len(first_features) // 2, _MAX_NUMBERS // len(center), len(center))
        directions = _principal_directions(first_features - center, rank)

        def points(images: Images) -> Float32Array:
            return _coordinates(network.logits_and_features(images)[1], center, directions)

        feature_clusters = Clusters.fit(_by_chunk(points, images), labels)
        appearance_clusters = Clusters.fit(_by_chunk(appearance, images), labels)
        feature_distances = feature_clusters.distances(_by_chunk(points, calibration))
        appearance_distances = appearance_clusters.distances(_by_chunk(appearance, calibration))
        n_above = int(TARGET_RATE * len(calibration))
        scales = (_upper_value(feature_distances, n_above), _upper_value(appearance_distances, n_above))
        distances = feature_distances / scales[0] + appearance_distances / scales[1]
        threshold = _upper_value(distances, n_above)
        rate = n_above / len(calibration)
        return cls(center, directions, feature_clusters, appearance_clusters, scales, threshold, rate)

    def distances(self, images: Images, features: Float32Array) -> Float32Array:
        """Compute the distances of images from the training images.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
            features: Inputs of the network's last layer for these images, of shape (n, features).

        Returns:
            float32 of shape (n,), 0 or more; larger for images that are less like the training images.
        """
        # An overflow becomes the largest number: such an image is novel.
        with np.errstate(over="ignore", invalid="ignore"):
            coordinates = _coordinates(features, self.center, self.directions)
            feature_part = self.features.distances(coordinates) / self.scales[0]
            appearance_part = self.appearance.distances(appearance(images)) / self.scales[1]
            return np.minimum(feature_part + appearance_part, np.finfo(np.float32).max)

    def is_novel(self, distances: Float32Array) -> NDArray[np.bool_]:
        """Return whether each distance is above the threshold; NaN counts as above."""
        return ~(distances <= self.threshold)

    def tensors(self) -> dict[str, Float32Array]:
        """Return all arrays by name."""
        return {
            "center": self.center,
            "directions": self.directions,
            "features.means": self.features.means,
            "features.whitening": self.features.whitening,
            "appearance.means": self.appearance.means,
            "appearance.whitening": self.appearance.whitening,
        }


def appearance(images: Images) -> Float32Array:
    """Compute the appearance of images: brightness, contrast, fineness and colour.

    Args:
        images: uint8, or float32 in 0..1, of shape (n, height, width, channels).

    Returns:
        float32 of shape (n, 4), or (n, 5) with several channels: brightness in 0 .. 1, then the logarithms of contrast,
        difference between rows, difference between columns, and difference between channels. Contrast and
        differences are root mean squares; one grey level (1/255) is added to each, so that none is zero.
    """
    pixels = images.astype(np.float32) / 255 if images.dtype == np.uint8 else images
    grey = pixels.mean(axis=3)
    brightness = grey.mean(axis=(1, 2))
    differences = [grey - brightness[:, None, None], np.diff(grey, axis=1), np.diff(grey, axis=2)]
    if pixels.shape[3] > 1:
        differences.append(pixels - grey[..., None])
    return np.stack([brightness, *map(_log_root_mean_square, differences)], axis=1)


def appearance_size(channels: int) -> int:
    """Return the number of appearance values of an image with a number of channels."""
    return 4 if channels == 1 else 5


def _log_root_mean_square(differences: Float32Array) -> Float32Array:
    rows = differences.reshape(len(differences), -1)
    # An image of one row has no difference between rows, so the divisor is at least 1.
    logarithms: Float32Array = np.log(_GREY_LEVEL + np.sqrt(_squared_lengths(rows) / max(rows.shape[1], 1)))
    return logarithms


def _upper_value(distances: Float32Array, n_above: int) -> float:
    """Return the value that a number of distances exceed; never 0, so that it can be a divisor."""
    return max(float(np.sort(distances)[-1 - n_above]), _MIN_VARIANCE)


def _squared_lengths(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of squares of each row."""
    sums: NDArray[Any] = np.einsum("ij,ij->i", rows, rows)
    return sums


def _check_sizes(network: Network, images: int, calibration: int) -> None:
    if min(images, calibration) < MIN_IMAGES:
        raise DataError(
            f"{images} training and {calibration} validation images are too few for novelty detection, expected at"
            f" least {MIN_IMAGES} of each. Use more images, or set more images aside for validation."
        )
    width = network.rows[-1].input_shape[0]
    if width > MAX_FEATURES:
        raise DataError(
            f"The last layer has {width:,} features, expected at most {MAX_FEATURES:,} for novelty detection."
            " Add a smaller layer before it."
        )


def _normalize(features: Float32Array) -> Float32Array:
    lengths = np.sqrt(_squared_lengths(features))[:, np.newaxis]
    normalized: Float32Array = features / np.maximum(lengths, np.finfo(np.float32).tiny)
    return normalized


def _coordinates(features: Float32Array, center: Float32Array, directions: Float32Array) -> Float32Array:
    """Return the components along the directions, and the distance from the subspace that they span."""
    deviations = _normalize(features) - center
    components = deviations @ directions
    squared_rest = np.maximum(_squared_lengths(deviations) - _squared_lengths(components), 0)
    return np.column_stack([components, np.sqrt(squared_rest)])


def _principal_directions(deviations: Float32Array, rank: int) -> Float32Array:
    """Return the principal directions of points of shape (n, d), as columns, the one with most variance last."""
    n, d = deviations.shape
    if rank == d:  # any directions span the whole space; the covariance scales them
        return np.eye(d, dtype=np.float32)
    products = deviations.T @ deviations if d <= n else deviations @ deviations.T
    eigenvectors = np.linalg.eigh(products)[1][:, -rank:]
    directions = eigenvectors if d <= n else deviations.T @ eigenvectors
    lengths = np.maximum(np.linalg.norm(directions, axis=0), np.finfo(np.float32).tiny)
    return np.ascontiguousarray(directions / lengths, np.float32)


def _by_chunk(compute: Callable[[Images], Float32Array], images: Images) -> Float32Array:
    return np.concatenate([compute(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)])


def _shrunk_covariance(deviations: Float64Array) -> Float64Array:
    """Estimate an invertible covariance from deviations of shape (n, d), with Ledoit-Wolf shrinkage.

    Source: O. Ledoit, M. Wolf, A well-conditioned estimator for large-dimensional covariance matrices, Journal of
    Multivariate Analysis 88 (2004), 365-411, lemma 3.2 to 3.4: a mixture with a multiple of the identity.
    scikit-learn's ``ledoit_wolf`` is the same estimator; importing it here would slow down the end of every training.
    """
    n, d = deviations.shape
    sample = deviations.T @ deviations / n
    mean_variance = np.trace(sample) / d
    distance = ((sample - mean_variance * np.eye(d)) ** 2).sum()
    error = (((deviations**2).sum(axis=1) ** 2).sum() / n - (sample**2).sum()) / n
    shrinkage = min(error / distance, 1.0) if distance > 0 else 1.0
    shrunk: Float64Array = (1 - shrinkage) * sample + (shrinkage * mean_variance + _MIN_VARIANCE) * np.eye(d)
    return shrunk
