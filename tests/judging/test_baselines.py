"""Baselines: their accuracies, the images that they use, and their cache."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Dataset, SealedTest
from optotype.data.sealed import OpenedTest, open_test
from optotype.data.splits import Split, split_of
from optotype.judging import baselines as module
from optotype.judging.baselines import measure_baselines
from tests.training.samples import dataset

NAN = b'[{"name": "always", "trained_on": 1, "n": 1, "accuracy": {"value": NaN, "low": 0, "high": 1}}]'


def _arguments(tmp_path: Path, data: Dataset) -> tuple[Dataset, Split, OpenedTest]:
    return data, split_of(data, 20, 0), open_test(data, tmp_path)


def test_all_but_the_majority_baseline_separate_easy_classes(tmp_path: Path) -> None:
    """Neighbours and regression are accurate on clear patterns; the majority class scores its share; n is recorded."""
    data = dataset()
    labels = data.labels.copy()
    labels[np.flatnonzero(labels == 3)[:2]] = 7
    majority, neighbours, regression = measure_baselines(*_arguments(tmp_path, replace(data, labels=labels)))
    assert (majority.name, majority.accuracy.value, majority.n) == ("always 7", 0.1, 40)
    assert (neighbours.name, neighbours.trained_on, neighbours.n) == ("5 nearest neighbours", 180, 40)
    assert neighbours.accuracy.value > 0.9
    assert (regression.name, regression.trained_on) == ("logistic regression", 180)
    assert regression.accuracy.value > 0.9


def test_large_data_sets_are_sampled_by_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If all images would take too long, a stratified training sample and a test sample are used."""
    monkeypatch.setattr(module, "_MAX_DISTANCE_PRODUCTS", 100 * 20 * 784)
    monkeypatch.setattr(module, "_MAX_GRADIENT_PRODUCTS", 50 * 784 * 10)
    monkeypatch.setattr(module, "_MAX_TEST_IMAGES", 20)
    _, neighbours, regression = measure_baselines(*_arguments(tmp_path, dataset()))
    assert (neighbours.trained_on, neighbours.n) == (100, 20)
    assert (regression.trained_on, regression.n) == (50, 20)
    labels = dataset().labels
    sample = module._sample(labels, np.arange(200), 50)
    assert np.bincount(labels[sample]).tolist() == [5] * 10


def test_large_images_are_averaged_in_blocks() -> None:
    """Sides above 32 pixels are divided by an integer; colour channels stay."""
    images = np.zeros((2, 70, 64, 3), np.uint8)
    images[:, :3, :3, 1] = 255
    rows = module._pixels(images)
    assert rows.shape == (2, 23 * 21 * 3)
    assert rows[0, :4].tolist() == [0, 1, 0, 0]
    assert rows.dtype == np.float32


def test_a_narrow_image_keeps_its_short_side() -> None:
    """Blocks are at most as large as the shorter side: an image of 2 x 128 pixels becomes 1 x 64."""
    assert module._pixels(np.ones((3, 2, 128, 1), np.uint8)).shape == (3, 64)


def test_two_training_images_suffice(tmp_path: Path) -> None:
    """One training image of each of two classes gives three baselines, without a warning."""
    images, labels = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), 200)]).astype(np.uint8), np.arange(2)
    data = Dataset("two", images, labels, ("a", "b"), "", "two", SealedTest(2, lambda: (images, labels)))
    results = measure_baselines(data, split_of(data, 0, 0), open_test(data, tmp_path))
    assert [each.accuracy.value for each in results] == [0.5, pytest.approx(0.5, abs=0.5), 1.0]
    assert results[1].name == "2 nearest neighbours"


def test_regression_on_one_class_predicts_that_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the sample contains one class only, the regression predicts that class."""
    monkeypatch.setattr(module, "_MAX_GRADIENT_PRODUCTS", 20 * 784 * 10)
    labels = np.zeros(200, np.int64)
    labels[7] = 1
    arguments = _arguments(tmp_path, replace(dataset(), labels=labels))
    assert measure_baselines(*arguments)[2].accuracy.value == np.mean(arguments[2].labels == 0)


def test_a_small_data_set_is_used_whole() -> None:
    """Classes with too few images to sample from are used whole."""
    assert len(module._sample(np.arange(60) % 40, np.arange(60), 10)) == 60


def test_results_are_cached(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call trains nothing; other training images, or another split, are measured again."""
    arguments = _arguments(tmp_path, dataset())
    results = measure_baselines(*arguments)
    monkeypatch.setattr(module, "_on_pixels", lambda *_: [])
    assert measure_baselines(*arguments) == results
    assert len(list((home / "baselines").iterdir())) == 1
    data, _, opened = arguments
    assert len(measure_baselines(data, split_of(data, 30, 0), opened)) == 1
    assert len(measure_baselines(replace(data, images=255 - data.images), arguments[1], opened)) == 1


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b'[{"name": 3}]', NAN, b"\xff" * 70_000])
def test_a_damaged_cache_file_is_replaced(tmp_path: Path, home: Path, content: bytes) -> None:
    """An invalid cache file is ignored and overwritten."""
    arguments = _arguments(tmp_path, dataset())
    results = measure_baselines(*arguments)
    (cached,) = (home / "baselines").iterdir()
    cached.write_bytes(content)
    assert measure_baselines(*arguments) == results
    assert len(json.loads(cached.read_bytes())) == 3


def test_an_unwritable_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the cache folder cannot be created, the baselines are measured anyway."""
    file = tmp_path / "file"
    file.write_text("a file, not a folder")
    monkeypatch.setenv("OPTOTYPE_HOME", str(file))
    assert len(measure_baselines(*_arguments(tmp_path, dataset()))) == 3
