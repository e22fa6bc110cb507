"""What is familiar: distances are Mahalanobis's, the threshold rejects what it should, other images lie beyond it."""

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


def _distances(network: Network, found: NoveltyDetector, images: np.ndarray) -> np.ndarray:
    return found.distances(images, network.logits_and_features(images)[1])


def test_clusters_measure_mahalanobis_distance() -> None:
    """Squared distances to the nearest mean are SciPy's, with the covariance that scikit-learn shrinks."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    points = (rng.normal(0, [1, 2, 0.5, 3], (200, 4)) + labels[:, None]).astype(np.float32)
    means = np.stack([points[labels == each].mean(axis=0) for each in range(3)])
    covariance, _ = ledoit_wolf(points - means[labels], assume_centered=True)
    expected = cdist(points, means, "mahalanobis", VI=np.linalg.inv(covariance)).min(axis=1) ** 2
    np.testing.assert_allclose(Clusters.fit(points, labels).distances(points), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("width", [40, 300, 1500])
def test_other_images_lie_beyond_the_threshold(width: int) -> None:
    """One in a hundred of the calibration's images is rejected, few new ones, and all noise, blanks and inverses."""
    network = _network(width)
    found = _fitted(network)
    assert found.rejected == 0.01
    assert found.directions.shape == (width, min(width, 128, (1 << 17) // width))
    known = _distances(network, found, pictures(400, 2)[0])
    assert found.unknown(known).sum() == 4
    new = _distances(network, found, pictures(1000, 3)[0])
    assert found.unknown(new).mean() < 0.04
    rng = np.random.default_rng(0)
    other = {
        "noise": rng.integers(0, 256, (200, *SHAPE)).astype(np.uint8),
        "blanks": np.broadcast_to(np.arange(0, 256, 2).astype(np.uint8)[:, None, None, None], (128, *SHAPE)),
        "inverses": 255 - pictures(200, 4)[0],
    }
    for what, images in other.items():
        far = _distances(network, found, np.ascontiguousarray(images))
        assert found.unknown(far).all(), what
        area = roc_auc_score([0] * len(new) + [1] * len(far), np.concatenate([new, far]))
        assert area > 0.99, what


def test_the_fit_repeats_itself() -> None:
    """The same images give the same arrays, and as many images of 0 .. 1 the same distances as bytes."""
    network = _network()
    one, two = _fitted(network), _fitted(_network())
    assert all((array == two.tensors()[name]).all() for name, array in one.tensors().items())
    images = pictures(50, 5)[0]
    floats = (images / 255).astype(np.float32)
    np.testing.assert_allclose(
        _distances(network, one, images), _distances(network, one, floats), rtol=1e-3, atol=1e-3
    )


def test_an_image_is_as_far_alone_as_among_others() -> None:
    """A distance does not depend, but for rounding, on what else is in the array."""
    network = _network()
    found, images = _fitted(network), pictures(30, 5)[0]
    together = _distances(network, found, images)
    alone = np.concatenate([_distances(network, found, images[i : i + 1]) for i in range(30)])
    np.testing.assert_allclose(alone, together, rtol=1e-3, atol=1e-3)


def test_what_cannot_be_fitted_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few images, too many features, and features that are no numbers are DataErrors."""
    network, (images, labels) = _network(), pictures(60, 1)
    for train, held in ((49, 60), (60, 49)):
        with pytest.raises(DataError, match=f"{train} training and {held} validation images are too few"):
            NoveltyDetector.fit(network, images[:train], labels[:train], images[:held])
    monkeypatch.setattr(novelty, "LARGEST", 39)
    with pytest.raises(DataError, match="reads 40 features, expected at most 39"):
        NoveltyDetector.fit(network, images, labels, images)
    monkeypatch.undo()
    network.set_weights(network.weights() | {"1.bias": np.full(40, np.inf, np.float32)})
    with np.errstate(invalid="ignore"), pytest.raises(DataError, match="A feature is not finite"):
        NoveltyDetector.fit(network, images, labels, images)


@pytest.mark.parametrize("change", [{"threshold": np.nan}, {"scales": (1.0, 0.0)}, {"rejected": 1.0}])
def test_numbers_that_mean_nothing_are_refused(change: dict[str, object]) -> None:
    """A threshold that is no number, a scale of zero or a share of one is a ModelError."""
    fields = vars(_fitted(_network())) | change
    with pytest.raises(ModelError, match="not finite or out of range"):
        NoveltyDetector(**fields)


def test_a_distance_that_is_no_number_is_unknown() -> None:
    """Whatever cannot be measured is not called familiar."""
    found = _fitted(_network())
    threshold = np.float32(found.threshold)
    beyond = np.nextafter(threshold, np.float32(np.inf))
    distances = np.array([0, threshold, beyond, np.inf, np.nan], np.float32)
    assert found.unknown(distances).tolist() == [False, False, True, True, True]


def test_images_that_all_look_the_same_can_be_learnt() -> None:
    """Training images without any variation give finite distances, and others lie beyond the threshold."""
    network = _network()
    blank = np.full((60, *SHAPE), 128, np.uint8)
    found = NoveltyDetector.fit(network, blank, np.arange(60) % 10, blank)
    assert not found.unknown(_distances(network, found, blank)).any()
    assert found.unknown(_distances(network, found, pictures(20, 1)[0])).all()


@pytest.mark.parametrize("shape", [(5, 6, 1), (5, 6, 3), (1, 6, 1), (5, 1, 3), (1, 1, 1)])
def test_appearance_is_brightness_contrast_fineness_and_colour(shape: tuple[int, int, int]) -> None:
    """Each number is what its definition gives, on images with one row, column or channel too."""
    images = np.random.default_rng(0).integers(0, 256, (7, *shape), np.uint8)
    found = appearance(images)
    assert found.shape == (7, appearance_size(shape[2]))
    assert found.dtype == np.float32
    grey = images.mean(axis=3) / 255
    np.testing.assert_allclose(found[:, 0], grey.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], np.log(1 / 255 + grey.std(axis=(1, 2))), rtol=1e-3, atol=1e-3)
    for axis in (1, 2):
        steps = np.diff(grey, axis=axis).reshape(7, -1)
        size = np.sqrt((steps**2).mean(axis=1)) if steps.size else np.zeros(7)
        np.testing.assert_allclose(found[:, 1 + axis], np.log(1 / 255 + size), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(appearance((images / 255).astype(np.float32)), found, rtol=1e-3, atol=1e-3)
