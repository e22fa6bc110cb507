"""Neighbours, held against brute force in double precision, and what they must never show."""

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
from optotype.explaining.neighbours import Neighbours, nearest
from optotype.models.model import Model
from optotype.runs.run import Run
from optotype.training.train import train
from tests.explaining.samples import linear_model
from tests.models.samples import small_model
from tests.training.samples import dataset, pictures, recipe, write_folder, write_pictures

ROWS = np.arange(200)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training of 150 images, with 50 for validation."""
    return train(dataset(), recipe(2), out=tmp_path_factory.mktemp("similar") / "run", curves=False)


def model_for_pictures() -> Model:
    """Make an untrained model of the pictures."""
    layers = recipe().network_layers(10)
    network = Network(layers, (28, 28, 1), threads=1)
    network.initialize(0)
    return Model(recipe(), (28, 28, 1), tuple("0123456789"), network.weights())


def brute_force(rows: NDArray[Any], point: NDArray[Any], k: int) -> tuple[list[int], list[float]]:
    """Sort all exact distances, and equal ones by index."""
    far = [float(np.linalg.norm(row.astype(np.float64) - point.astype(np.float64))) for row in rows]
    order = sorted(range(len(rows)), key=lambda place: (far[place], place))[:k]
    return order, [far[place] for place in order]


@settings(max_examples=80)
@given(
    n=st.integers(1, 60),
    d=st.integers(1, 40),
    k=st.integers(1, 70),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e25]),
    spread=st.sampled_from([0.0, 1e-7, 1e-3, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_the_nearest_are_those_of_double_precision(
    n: int, d: int, k: int, scale: float, spread: float, seed: int
) -> None:
    """Near, far, huge, tiny and equal rows come in the order of brute force in double precision, ties by index."""
    rng = np.random.default_rng(seed)
    rows = (scale * (1 + spread * rng.integers(-3, 4, (n, d)))).astype(np.float32)
    point = rows[rng.integers(n)] if seed % 2 else (scale * rng.random(d)).astype(np.float32)
    places, distances = nearest(rows, point, k)
    assert (places.tolist(), distances.tolist()) == brute_force(rows, point, k)


def test_roundings_of_single_precision_hide_no_neighbour() -> None:
    """Of rows whose distances differ by less than the roundings of their sums, the nearest in double precision come."""
    rng = np.random.default_rng(0)
    values = rng.random(300)
    rows = np.stack([rng.permutation(values) + 1e-7 * rng.random(300) for _ in range(200)]).astype(np.float32)
    point = np.zeros(300, np.float32)
    places, distances = nearest(rows, point, 3)
    assert (places.tolist(), distances.tolist()) == brute_force(rows, point, 3)


def test_rows_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rows do not fit into the cache at once, the nearest are the same."""
    rng = np.random.default_rng(0)
    rows, point = rng.random((101, 7), dtype=np.float32), rng.random(7, dtype=np.float32)
    monkeypatch.setattr(neighbours_module, "_AT_ONCE", 70)
    assert nearest(rows, point, 9)[0].tolist() == brute_force(rows, point, 9)[0]


def test_an_image_that_trained_finds_itself(run: Run) -> None:
    """Each image that trained is its own nearest, at distance 0, given alone as it was looked at among others."""
    data = dataset()
    train_images = _split(run, data)[0]
    neighbours = Neighbours.prepare(run, data)
    for index in train_images[::7]:
        first = neighbours.nearest(data.images[index], 3)[0]
        assert first.distance == 0
        np.testing.assert_array_equal(first.image, data.images[index])
        assert first.label == data.class_names[data.labels[index]]


def test_only_images_that_trained_are_shown(run: Run) -> None:
    """All images that trained come out when all are asked for, each once, and none that validated."""
    data = dataset()
    found = Neighbours.prepare(run, data)
    trained, validation = _split(run, data)
    everyone = found.nearest(data.images[0], 10_000)
    assert len(everyone) == len(found) == len(trained) == 150
    shown = {each.image.tobytes() for each in everyone}
    assert shown == {data.images[index].tobytes() for index in trained}
    assert not shown & {data.images[index].tobytes() for index in validation}
    distances = [each.distance for each in everyone]
    assert distances == sorted(distances)
    assert found.note is None


def test_the_order_is_that_of_the_cosine(run: Run) -> None:
    """The nearest have the largest cosine between the features, and the distance is the square root of 2 - 2 cos."""
    data = dataset()
    trained, validation = _split(run, data)
    features = run.model.network.logits_and_features(data.images)[1].astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    index = validation[0]
    cosines = unit[trained] @ unit[index]
    found = Neighbours.prepare(run, data).nearest(data.images[index], 5)
    order = np.argsort(-cosines)[:5]
    for each, place in zip(found, order, strict=True):
        np.testing.assert_array_equal(each.image, data.images[trained[place]])
        assert each.distance == pytest.approx(np.sqrt(2 - 2 * cosines[place]), abs=1e-5)


def test_neighbours_are_of_the_class(run: Run) -> None:
    """New pictures of easily told classes have neighbours of their own class."""
    found = Neighbours.prepare(run, dataset())
    images, labels = pictures(20, 9)
    for image, label in zip(images, labels, strict=True):
        assert {each.label for each in found.nearest(image)} == {str(label)}


def test_ties_come_in_the_order_of_the_data() -> None:
    """Copies of an image come one after the other as they lie in the data, with their files' names."""
    data = dataset()
    images = data.images.copy()
    images[[5, 50, 120]] = images[77]
    named = replace(data, images=images, files=tuple(f"{n}.png" for n in range(200)))
    found = Neighbours(model_for_pictures(), named, ROWS).nearest(images[77], 4)
    assert [each.file for each in found] == ["5.png", "50.png", "77.png", "120.png"]
    assert [each.distance for each in found[:4]] == [0, 0, 0, 0]


def test_features_of_no_length_are_as_far_as_possible_from_the_others() -> None:
    """An image for which every feature is 0 is at distance 0 from its like, and at 1 from all others."""
    data = dataset()
    images = data.images.copy()
    images[3] = 0
    model = linear_model(np.ones((28, 28, 1), np.float32))  # features are the pixels
    found = Neighbours(model, replace(data, images=images), ROWS).nearest(np.zeros((28, 28), np.uint8), 3)
    assert [each.distance for each in found] == pytest.approx([0, 1, 1])


def test_a_sample_stands_for_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many features for the memory: a stratified sample is kept, the same each time, and a note says so."""
    monkeypatch.setattr(neighbours_module, "_MEMORY", 4 * 32 * 60)
    data = dataset()
    found = Neighbours(model_for_pictures(), data, ROWS)
    again = Neighbours(model_for_pictures(), data, ROWS)
    everyone = found.nearest(data.images[0], 500)
    assert len(found) == len(everyone) == 60
    labels = [each.label for each in everyone]
    assert {labels.count(name) for name in data.class_names} == {6}
    assert found.note is not None
    assert "among 60 of the 200 training images" in found.note
    for one, other in zip(everyone, again.nearest(data.images[0], 500), strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_no_room_for_every_class_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even one image of each class fits into the memory, the sentence says what to do."""
    monkeypatch.setattr(neighbours_module, "_MEMORY", 4 * 32 * 9)
    with pytest.raises(
        DataError, match="those of 9 images fill 256 MB, expected room for one of each of the 10"
    ):
        Neighbours(model_for_pictures(), dataset(), ROWS)


def test_the_forward_pass_may_be_the_callers(run: Run) -> None:
    """A function given for the features is asked for everything, a few images at a time, and may end it all."""
    data, sizes = dataset(), []
    network = run.model.network

    def counted(images: NDArray[Any]) -> NDArray[np.float32]:
        sizes.append(len(images))
        return network.logits_and_features(images)[1]

    found = Neighbours.prepare(run, data, features=counted)
    assert sum(sizes) == 150
    assert max(sizes) * 784 <= 1 << 17
    found.nearest(data.images[0], features=counted)
    assert sizes[-1] == 1

    def stop(_: NDArray[Any]) -> NDArray[np.float32]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Neighbours.prepare(run, data, features=stop)


def test_a_path_and_a_model_do_as_well_as_a_run(run: Run) -> None:
    """The folder of a run, its model file, and the model itself lead to the same images."""
    data = dataset()
    expected = [each.distance for each in Neighbours.prepare(run, data).nearest(data.images[0])]
    targets: tuple[object, ...] = (run.path, run.path / "model.safetensors", run.model)
    for target in targets:
        found = Neighbours.prepare(target, data)
        assert [each.distance for each in found.nearest(data.images[0])] == expected


def test_data_that_are_gone_or_changed_are_said(run: Run, tmp_path: Path) -> None:
    """Data that no longer are what they were, runs that are none and models of unknown origin each have a sentence."""
    data = dataset()
    changed = replace(data, images=255 - data.images)
    with pytest.raises(DataError, match="changed since training"):
        Neighbours.prepare(run, changed)
    with pytest.raises(DataError):
        Neighbours.prepare(run)  # its source, "memory", is none
    with pytest.raises(RunError):
        Neighbours.prepare(tmp_path / "nothing")
    with pytest.raises(ModelError, match="does not name its data"):
        Neighbours.prepare(small_model(), data)


def test_added_pictures_that_changed_are_left_out(tmp_path: Path) -> None:
    """Where more was collected since the training, the source's own images are looked through, and a note says so."""
    added = write_pictures(tmp_path / "added", *pictures(5, 3))
    data = load(write_folder(tmp_path / "patterns", 200, 20), add=added)
    run = train(data, recipe(epochs=1), out=tmp_path / "run", threads=1)
    whole = Neighbours.prepare(run)
    assert (len(whole), whole.note) == (155, None)
    write_pictures(added, *pictures(9, 4))
    found = Neighbours.prepare(run)
    assert len(found) == 150
    assert found.note is not None
    assert "5 pictures that were added" in found.note


def test_impossible_questions_are_said(run: Run) -> None:
    """No neighbours, other shapes and features that are no numbers each have their sentence."""
    data = dataset()
    found = Neighbours.prepare(run, data)
    with pytest.raises(DataError, match="0 neighbours were asked for"):
        found.nearest(data.images[0], 0)
    with pytest.raises(DataError, match="shape"):
        found.nearest(np.zeros((5, 5), np.uint8))
    with pytest.raises(DataError, match="A feature is not finite"):
        found.nearest(data.images[0], features=lambda images: np.full((len(images), 32), np.inf, np.float32))


def _split(run: Run, data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    validation = run.split.validation
    return np.setdiff1d(np.arange(len(data.labels)), validation), validation
