"""Neighbours: compared with brute force in double precision, and limited to training images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.engine.network import Network
from optotype.errors import DataError, ModelError, RunError
from optotype.explaining import neighbours as neighbours_module
from optotype.explaining.neighbours import Neighbours, find_nearest
from optotype.models.model import Model
from optotype.runs.run import Run
from optotype.training.train import train
from tests.explaining.samples import linear_model
from tests.models.samples import small_model
from tests.training.samples import dataset, pictures, recipe, write_folder, write_pictures

ROWS = np.arange(200)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Train on 150 images, with 50 for validation."""
    return train(dataset(), recipe(2), out=tmp_path_factory.mktemp("similar") / "run", curves=False)


def untrained_model() -> Model:
    """Return an untrained model for the test images."""
    layers = recipe().network_layers(10)
    network = Network(layers, (28, 28, 1), threads=1)
    network.initialize(0)
    return Model(recipe(), (28, 28, 1), tuple("0123456789"), network.weights())


def brute_force(rows: NDArray[Any], point: NDArray[Any], k: int) -> tuple[list[int], list[float]]:
    """Return indices and distances sorted by exact distance, then by index."""
    distances = [float(np.linalg.norm(row.astype(np.float64) - point.astype(np.float64))) for row in rows]
    order = sorted(range(len(rows)), key=lambda index: (distances[index], index))[:k]
    return order, [distances[index] for index in order]


@settings(max_examples=80)
@given(
    n=st.integers(1, 60),
    d=st.integers(1, 40),
    k=st.integers(1, 70),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e25]),
    spread=st.sampled_from([0.0, 1e-7, 1e-3, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_the_nearest_rows_are_those_of_double_precision(
    n: int, d: int, k: int, scale: float, spread: float, seed: int
) -> None:
    """Near, far, huge, tiny and equal rows have the order of brute force in double precision, ties by index."""
    rng = np.random.default_rng(seed)
    rows = (scale * (1 + spread * rng.integers(-3, 4, (n, d)))).astype(np.float32)
    point = rows[rng.integers(n)] if seed % 2 else (scale * rng.random(d)).astype(np.float32)
    indices, distances = find_nearest(rows, point, k)
    assert (indices.tolist(), distances.tolist()) == brute_force(rows, point, k)


def test_rounding_loses_no_neighbour() -> None:
    """Rows whose distances differ by less than single precision are found in the order of double precision."""
    rng = np.random.default_rng(0)
    values = rng.random(300)
    rows = np.stack([rng.permutation(values) + 1e-7 * rng.random(300) for _ in range(200)]).astype(np.float32)
    point = np.zeros(300, np.float32)
    indices, distances = find_nearest(rows, point, 3)
    assert (indices.tolist(), distances.tolist()) == brute_force(rows, point, 3)


def test_rows_are_compared_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk size does not change the result."""
    rng = np.random.default_rng(0)
    rows, point = rng.random((101, 7), dtype=np.float32), rng.random(7, dtype=np.float32)
    monkeypatch.setattr(neighbours_module, "_DISTANCE_CHUNK", 70)
    assert find_nearest(rows, point, 9)[0].tolist() == brute_force(rows, point, 9)[0]


def test_a_training_image_finds_itself(run: Run) -> None:
    """Each training image is its own nearest neighbour, at distance exactly 0."""
    data = dataset()
    train_images = _split(run, data)[0]
    neighbours = Neighbours.fit(run, data)
    for index in train_images[::7]:
        first = neighbours.nearest(data.images[index], 3)[0]
        assert first.distance == 0
        np.testing.assert_array_equal(first.image, data.images[index])
        assert first.label == data.class_names[data.labels[index]]


def test_only_training_images_are_found(run: Run) -> None:
    """A search for all images finds every training image once and no validation image."""
    data = dataset()
    neighbours = Neighbours.fit(run, data)
    trained, validation = _split(run, data)
    results = neighbours.nearest(data.images[0], 10_000)
    assert len(results) == len(neighbours) == len(trained) == 150
    images = {each.image.tobytes() for each in results}
    assert images == {data.images[index].tobytes() for index in trained}
    assert not images & {data.images[index].tobytes() for index in validation}
    distances = [each.distance for each in results]
    assert distances == sorted(distances)
    assert neighbours.note is None


def test_distances_follow_the_cosine(run: Run) -> None:
    """The nearest images have the largest cosine between features; the distance is the square root of 2 - 2 cos."""
    data = dataset()
    trained, validation = _split(run, data)
    features = run.model.network.logits_and_features(data.images)[1].astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    index = validation[0]
    cosines = unit[trained] @ unit[index]
    results = Neighbours.fit(run, data).nearest(data.images[index], 5)
    order = np.argsort(-cosines)[:5]
    for neighbour, row in zip(results, order, strict=True):
        np.testing.assert_array_equal(neighbour.image, data.images[trained[row]])
        assert neighbour.distance == pytest.approx(np.sqrt(2 - 2 * cosines[row]), abs=1e-5)


def test_neighbours_have_the_label_of_the_image(run: Run) -> None:
    """New images of easy classes have neighbours of their own class."""
    neighbours = Neighbours.fit(run, dataset())
    images, labels = pictures(20, 9)
    for image, label in zip(images, labels, strict=True):
        assert {each.label for each in neighbours.nearest(image)} == {str(label)}


def test_ties_have_the_order_of_the_data() -> None:
    """Copies of an image have the order of the data, with their file names."""
    data = dataset()
    images = data.images.copy()
    images[[5, 50, 120]] = images[77]
    with_files = replace(data, images=images, files=tuple(f"{n}.png" for n in range(200)))
    results = Neighbours(untrained_model(), with_files, ROWS).nearest(images[77], 4)
    assert [each.file for each in results] == ["5.png", "50.png", "77.png", "120.png"]
    assert [each.distance for each in results[:4]] == [0, 0, 0, 0]


def test_zero_features_have_distance_one_from_all_others() -> None:
    """An image with zero features has distance 0 from an equal image, and 1 from all others."""
    data = dataset()
    images = data.images.copy()
    images[3] = 0
    model = linear_model(np.ones((28, 28, 1), np.float32))  # the features are the pixels
    results = Neighbours(model, replace(data, images=images), ROWS).nearest(np.zeros((28, 28), np.uint8), 3)
    assert [each.distance for each in results] == pytest.approx([0, 1, 1])


def test_a_sample_is_searched_if_the_features_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """With too many features, a reproducible stratified sample is searched, and a note has its size."""
    monkeypatch.setattr(neighbours_module, "_MAX_FEATURE_BYTES", 4 * 32 * 60)
    data = dataset()
    neighbours, again = (Neighbours(untrained_model(), data, ROWS) for _ in range(2))
    results = neighbours.nearest(data.images[0], 500)
    assert len(neighbours) == len(results) == 60
    labels = [each.label for each in results]
    assert {labels.count(name) for name in data.class_names} == {6}
    assert neighbours.note is not None
    assert "60 of the 200 training images" in neighbours.note
    for first, second in zip(results, again.nearest(data.images[0], 500), strict=True):
        np.testing.assert_array_equal(first.image, second.image)


def test_no_room_for_every_class_raises_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """If one image of each class does not fit, the error has both numbers."""
    monkeypatch.setattr(neighbours_module, "_MAX_FEATURE_BYTES", 4 * 32 * 9)
    with pytest.raises(DataError, match=r"of 9 images, expected .* 10 classes"):
        Neighbours(untrained_model(), dataset(), ROWS)


def test_features_can_be_a_function(run: Run) -> None:
    """A function for the features is called with a few images at a time, and can stop by raising."""
    data, sizes = dataset(), []
    network = run.model.network

    def features_of(images: NDArray[Any]) -> NDArray[np.float32]:
        sizes.append(len(images))
        return network.logits_and_features(images)[1]

    neighbours = Neighbours.fit(run, data, features=features_of)
    assert sum(sizes) == 150
    assert max(sizes) * 784 <= 1 << 17
    neighbours.nearest(data.images[0], features=features_of)
    assert sizes[-1] == 1

    def stop(_: NDArray[Any]) -> NDArray[np.float32]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Neighbours.fit(run, data, features=stop)


def test_every_form_of_target_gives_the_same_neighbours(run: Run) -> None:
    """A run folder, its model file and the model itself give the same neighbours as the run."""
    data = dataset()
    expected = [each.distance for each in Neighbours.fit(run, data).nearest(data.images[0])]
    targets: tuple[object, ...] = (run.path, run.path / "model.safetensors", run.model)
    for target in targets:
        neighbours = Neighbours.fit(target, data)
        assert [each.distance for each in neighbours.nearest(data.images[0])] == expected


def test_missing_or_changed_data_raise_errors(run: Run, tmp_path: Path) -> None:
    """Changed data, data in memory, a missing run and a model of unknown origin raise their errors."""
    data = dataset()
    changed = replace(data, images=255 - data.images)
    with pytest.raises(DataError, match="changed"):
        Neighbours.fit(run, changed)
    with pytest.raises(DataError):
        Neighbours.fit(run)  # its source, "memory", cannot be loaded
    with pytest.raises(RunError):
        Neighbours.fit(tmp_path / "nothing")
    with pytest.raises(ModelError, match="train"):
        Neighbours.fit(small_model(), data)


def test_changed_additional_images_are_left_out(tmp_path: Path) -> None:
    """If the additional images changed since training, the source's own images are searched, and a note says so."""
    added = write_pictures(tmp_path / "added", *pictures(5, 3))
    data = load(write_folder(tmp_path / "patterns", 200, 20), add=added)
    run = train(data, recipe(epochs=1), out=tmp_path / "run", threads=1)
    whole = Neighbours.fit(run)
    assert (len(whole), whole.note) == (155, None)
    write_pictures(added, *pictures(9, 4))
    neighbours = Neighbours.fit(run)
    assert len(neighbours) == 150
    assert neighbours.note is not None
    assert "The 5 additional training images" in neighbours.note


def test_invalid_arguments_raise_errors(run: Run) -> None:
    """K = 0, another shape and features that are not finite raise DataError."""
    data = dataset()
    neighbours = Neighbours.fit(run, data)
    with pytest.raises(DataError, match="k is 0"):
        neighbours.nearest(data.images[0], 0)
    with pytest.raises(DataError, match="shape"):
        neighbours.nearest(np.zeros((5, 5), np.uint8))
    with pytest.raises(DataError, match="not finite"):
        neighbours.nearest(
            data.images[0], features=lambda images: np.full((len(images), 32), np.inf, np.float32)
        )


def _split(run: Run, data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    validation = run.split.validation
    return np.setdiff1d(np.arange(len(data.labels)), validation), validation
