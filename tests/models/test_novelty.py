"""Novelty detection: Mahalanobis distances, the threshold's rate, and images that are unlike the training images."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score

from optotype.engine.layers import Dense, Flatten, Layer
from optotype.engine.network import Network
from optotype.errors import DataError, ModelError
from optotype.models import novelty
from optotype.models.novelty import Clusters, NoveltyDetector, appearance, appearance_size
from tests.training.samples import pictures

SHAPE = (28, 28, 1)


def _network(width: int = 40, shape: tuple[int, int, int] = SHAPE) -> Network:
    layers: tuple[Layer, ...] = (Flatten(), Dense(width, "relu"), Dense(10, "softmax"))
    network = Network(layers, shape, threads=1)
    network.initialize(0)
    return network


def _fitted(network: Network, n: int = 600) -> NoveltyDetector:
    images, labels = pictures(n, 1)
    return NoveltyDetector.fit(network, images, labels, pictures(400, 2)[0])


def _distances(network: Network, detector: NoveltyDetector, images: np.ndarray) -> np.ndarray:
    return detector.distances(images, network.logits_and_features(images)[1])


def test_clusters_measure_mahalanobis_distance() -> None:
    """Squared distances to the nearest mean equal SciPy's, with scikit-learn's Ledoit-Wolf covariance."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    points = (rng.normal(0, [1, 2, 0.5, 3], (200, 4)) + labels[:, None]).astype(np.float32)
    means = np.stack([points[labels == label].mean(axis=0) for label in range(3)])
    covariance, _ = ledoit_wolf(points - means[labels], assume_centered=True)
    expected = cdist(points, means, "mahalanobis", VI=np.linalg.inv(covariance)).min(axis=1) ** 2
    np.testing.assert_allclose(Clusters.fit(points, labels).distances(points), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("width", [40, 300, 1500])
def test_detection_rates(width: int) -> None:
    """The detector flags 1 % of calibration images, few new ones, and all noise, blank and inverted images."""
    network = _network(width)
    detector = _fitted(network)
    assert detector.rate == 0.01
    assert detector.directions.shape == (width, min(width, 128, (1 << 17) // width))
    known = _distances(network, detector, pictures(400, 2)[0])
    assert detector.is_novel(known).sum() == 4
    new = _distances(network, detector, pictures(1000, 3)[0])
    assert detector.is_novel(new).mean() < 0.04
    rng = np.random.default_rng(0)
    other = {
        "noise": rng.integers(0, 256, (200, *SHAPE)).astype(np.uint8),
        "blanks": np.broadcast_to(np.arange(0, 256, 2).astype(np.uint8)[:, None, None, None], (128, *SHAPE)),
        "inverses": 255 - pictures(200, 4)[0],
    }
    for kind, images in other.items():
        far = _distances(network, detector, np.ascontiguousarray(images))
        assert detector.is_novel(far).all(), kind
        area = roc_auc_score([0] * len(new) + [1] * len(far), np.concatenate([new, far]))
        assert area > 0.99, kind


def test_fit_is_deterministic() -> None:
    """The same images give the same arrays, and float32 images give the same distances as uint8 ones."""
    network = _network()
    first, second = _fitted(network), _fitted(_network())
    assert all((array == second.tensors()[name]).all() for name, array in first.tensors().items())
    images = pictures(50, 5)[0]
    floats = (images / 255).astype(np.float32)
    np.testing.assert_allclose(
        _distances(network, first, images), _distances(network, first, floats), rtol=1e-3, atol=1e-3
    )


def test_batch_independence() -> None:
    """A distance does not depend on the other images in the array, except for rounding."""
    network = _network()
    detector, images = _fitted(network), pictures(30, 5)[0]
    together = _distances(network, detector, images)
    alone = np.concatenate([_distances(network, detector, images[i : i + 1]) for i in range(30)])
    np.testing.assert_allclose(alone, together, rtol=1e-3, atol=1e-3)


def test_fit_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few images, too many features, and features that are not finite raise a DataError."""
    network, (images, labels) = _network(), pictures(60, 1)
    for train, held in ((49, 60), (60, 49)):
        with pytest.raises(DataError, match=f"{train} training and {held} validation images are too few"):
            NoveltyDetector.fit(network, images[:train], labels[:train], images[:held])
    monkeypatch.setattr(novelty, "MAX_FEATURES", 39)
    with pytest.raises(DataError, match="40 features, expected at most 39"):
        NoveltyDetector.fit(network, images, labels, images)
    monkeypatch.undo()
    network.set_weights(network.weights() | {"1.bias": np.full(40, np.inf, np.float32)})
    with np.errstate(invalid="ignore"), pytest.raises(DataError, match="A feature is not finite"):
        NoveltyDetector.fit(network, images, labels, images)


@pytest.mark.parametrize("change", [{"threshold": np.nan}, {"scales": (1.0, 0.0)}, {"rate": 1.0}])
def test_numbers_out_of_range(change: dict[str, object]) -> None:
    """A threshold of NaN, a scale of 0 or a rate of 1 raises a ModelError."""
    fields = vars(_fitted(_network())) | change
    with pytest.raises(ModelError, match="not finite or out of range"):
        NoveltyDetector(**fields)


def test_nan_is_novel() -> None:
    """Distances above the threshold, infinity and NaN are novel."""
    detector = _fitted(_network())
    threshold = np.float32(detector.threshold)
    beyond = np.nextafter(threshold, np.float32(np.inf))
    distances = np.array([0, threshold, beyond, np.inf, np.nan], np.float32)
    assert detector.is_novel(distances).tolist() == [False, False, True, True, True]


def test_images_without_variation() -> None:
    """Equal training images give finite distances, and other images are novel."""
    network = _network()
    blank = np.full((60, *SHAPE), 128, np.uint8)
    detector = NoveltyDetector.fit(network, blank, np.arange(60) % 10, blank)
    assert not detector.is_novel(_distances(network, detector, blank)).any()
    assert detector.is_novel(_distances(network, detector, pictures(20, 1)[0])).all()


@pytest.mark.parametrize("shape", [(5, 6, 1), (5, 6, 3), (1, 6, 1), (5, 1, 3), (1, 1, 1)])
def test_appearance(shape: tuple[int, int, int]) -> None:
    """Each value equals its definition, also for images with one row, column or channel."""
    images = np.random.default_rng(0).integers(0, 256, (7, *shape), np.uint8)
    values = appearance(images)
    assert values.shape == (7, appearance_size(shape[2]))
    assert values.dtype == np.float32
    grey = images.mean(axis=3) / 255
    np.testing.assert_allclose(values[:, 0], grey.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(values[:, 1], np.log(1 / 255 + grey.std(axis=(1, 2))), rtol=1e-3, atol=1e-3)
    for axis in (1, 2):
        steps = np.diff(grey, axis=axis).reshape(7, -1)
        size = np.sqrt((steps**2).mean(axis=1)) if steps.size else np.zeros(7)
        np.testing.assert_allclose(values[:, 1 + axis], np.log(1 / 255 + size), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(appearance((images / 255).astype(np.float32)), values, rtol=1e-3, atol=1e-3)
