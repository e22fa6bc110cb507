"""Baselines: what they come to, which images they see, and what the cache is trusted with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Dataset, SealedTest
from optotype.data.sealed import OpenedTest, open_test
from optotype.data.splits import Split, split_of
from optotype.judging import baselines as module
from optotype.judging.baselines import baselines
from tests.training.samples import dataset

NAN = b'[{"name": "always", "trained_on": 1, "n": 1, "accuracy": {"value": NaN, "low": 0, "high": 1}}]'


def _given(tmp_path: Path, data: Dataset) -> tuple[Dataset, Split, OpenedTest]:
    return data, split_of(data, 20, 0), open_test(data, tmp_path)


def test_easily_told_classes_are_told_by_all_but_the_majority(tmp_path: Path) -> None:
    """Neighbours and regression are right on clear patterns, the most frequent class on its share; each says its n."""
    data = dataset()
    labels = data.labels.copy()
    labels[np.flatnonzero(labels == 3)[:2]] = 7
    majority, neighbours, regression = baselines(*_given(tmp_path, replace(data, labels=labels)))
    assert (majority.name, majority.accuracy.value, majority.n) == ("always 7", 0.1, 40)
    assert (neighbours.name, neighbours.trained_on, neighbours.n) == ("5 nearest neighbours", 180, 40)
    assert neighbours.accuracy.value > 0.9
    assert (regression.name, regression.trained_on) == ("logistic regression", 180)
    assert regression.accuracy.value > 0.9


def test_large_sets_are_thinned_class_by_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all images would take too long, the same share of each class is seen, and few test images are asked."""
    monkeypatch.setattr(module, "_DISTANCES", 100 * 20 * 784)
    monkeypatch.setattr(module, "_GRADIENTS", 50 * 784 * 10)
    monkeypatch.setattr(module, "_ASKED", 20)
    _, neighbours, regression = baselines(*_given(tmp_path, dataset()))
    assert (neighbours.trained_on, neighbours.n) == (100, 20)
    assert (regression.trained_on, regression.n) == (50, 20)
    labels = dataset().labels
    seen = module._part(labels, np.arange(200), 50)
    assert np.bincount(labels[seen]).tolist() == [5] * 10


def test_large_pictures_are_averaged_in_blocks() -> None:
    """Sides above 32 pixels are divided by a whole number; colour stays."""
    images = np.zeros((2, 70, 64, 3), np.uint8)
    images[:, :3, :3, 1] = 255
    rows = module._pixels(images)
    assert rows.shape == (2, 23 * 21 * 3)
    assert rows[0, :4].tolist() == [0, 1, 0, 0]
    assert rows.dtype == np.float32


def test_of_a_strip_something_is_left() -> None:
    """Blocks are no larger than the shorter side: a strip of 2 x 128 pixels is seen as 1 x 64."""
    assert module._pixels(np.ones((3, 2, 128, 1), np.uint8)).shape == (3, 64)


def test_two_images_are_enough(tmp_path: Path) -> None:
    """One training image of each of two classes gives three baselines, without a warning."""
    images, labels = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), 200)]).astype(np.uint8), np.arange(2)
    data = Dataset("two", images, labels, ("a", "b"), "", "two", SealedTest(2, lambda: (images, labels)))
    found = baselines(data, split_of(data, 0, 0), open_test(data, tmp_path))
    assert [each.accuracy.value for each in found] == [0.5, pytest.approx(0.5, abs=0.5), 1.0]
    assert found[1].name == "2 nearest neighbours"


def test_a_class_too_rare_to_be_seen_is_never_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the thinned images are all of one class, the regression names that one."""
    monkeypatch.setattr(module, "_GRADIENTS", 20 * 784 * 10)
    labels = np.zeros(200, np.int64)
    labels[7] = 1
    given = _given(tmp_path, replace(dataset(), labels=labels))
    assert baselines(*given)[2].accuracy.value == np.mean(given[2].labels == 0)


def test_as_many_classes_as_images_are_not_thinned() -> None:
    """Classes with too few images to thin them are seen whole."""
    assert len(module._part(np.arange(60) % 40, np.arange(60), 10)) == 60


def test_what_was_measured_is_kept(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is trained; other training images, or another split, are measured anew."""
    given = _given(tmp_path, dataset())
    found = baselines(*given)
    monkeypatch.setattr(module, "_on_pixels", lambda *_: [])
    assert baselines(*given) == found
    assert len(list((home / "baselines").iterdir())) == 1
    data, _, opened = given
    assert len(baselines(data, split_of(data, 30, 0), opened)) == 1
    assert len(baselines(replace(data, images=255 - data.images), given[1], opened)) == 1


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b'[{"name": 3}]', NAN, b"\xff" * 70_000])
def test_a_damaged_cache_is_measured_anew(tmp_path: Path, home: Path, content: bytes) -> None:
    """Whatever lies there in its place is replaced."""
    given = _given(tmp_path, dataset())
    found = baselines(*given)
    (kept,) = (home / "baselines").iterdir()
    kept.write_bytes(content)
    assert baselines(*given) == found
    assert len(json.loads(kept.read_bytes())) == 3


def test_without_a_cache_they_are_measured_all_the_same(tmp_path: Path, home: Path) -> None:
    """A cache folder that cannot be made costs time, not the judgement."""
    home.write_text("a file, not a folder")
    assert len(baselines(*_given(tmp_path, dataset()))) == 3
