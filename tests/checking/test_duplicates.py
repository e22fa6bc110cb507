"""Duplicates: exact and near, with one label and with two, within training and across to the test images."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from optotype.checking.duplicates import DuplicateSearch
from optotype.checking.findings import Finding
from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from tests.checking.samples import textured, textures, with_copies
from tests.training.samples import dataset


def _find(data: Dataset) -> list[Finding]:
    return DuplicateSearch(data, data.images).findings()


def _indices(finding: Finding) -> list[int]:
    return [picture.index for picture in finding.pictures]


def test_different_pictures_are_no_copies() -> None:
    """A set without copies has no findings."""
    assert _find(textured()) == []


def test_an_exact_copy_is_a_duplicate() -> None:
    """All pictures with the same pixels and label form one finding."""
    data = textured()
    copied = with_copies(data, data.images[[7, 7]], data.labels[[7, 7]])
    (finding,) = _find(copied)
    assert finding.kind == "duplicate"
    assert _indices(finding) == [7, 300, 301]
    assert "3 images of 'flat' are equal" in finding.message


def test_an_image_with_two_labels_is_a_conflict() -> None:
    """An exact or near copy with another label is a conflict, and not also a duplicate."""
    data = textured()
    nearly = np.rint(data.images[[20]] * 0.9).astype(np.uint8)
    copied = with_copies(data, np.concatenate([data.images[[7]], nearly]), np.array([2, 0]))
    exact, near = _find(copied)
    assert {exact.kind, near.kind} == {"conflict"}
    assert _indices(exact) == [7, 300]
    assert "'flat' and 'tall'" in exact.message
    assert _indices(near) == [20, 301]
    assert exact.score > near.score


def test_near_duplicates_are_grouped() -> None:
    """Several altered copies of a picture form one group, and an exact copy does not hide them."""
    data = textured()
    altered = [np.rint(data.images[7] * share).astype(np.uint8) for share in (1, 0.9, 0.8)]
    copied = with_copies(data, np.stack(altered), data.labels[[7, 7, 7]])
    kinds = {finding.kind: _indices(finding) for finding in _find(copied)}
    assert kinds == {"duplicate": [7, 300], "near_duplicate": [7, 301, 302]}


def test_copies_share_a_group_number() -> None:
    """Exact and near copies of a picture are one group, with any labels; every other picture has its own group."""
    data = textured()
    altered = [np.rint(data.images[7] * share).astype(np.uint8) for share in (1, 0.9)]
    copied = with_copies(data, np.stack(altered), np.array([0, 1]))
    groups = DuplicateSearch(copied, copied.images).groups
    assert len(set(groups[[7, 300, 301]].tolist())) == 1
    assert len(set(groups.tolist())) == 300


def test_test_images_in_training_are_leaks(tmp_path: Path) -> None:
    """A test image with an exact or near copy in training is reported together with the copy."""
    tests, labels = textures(30, 2)
    nearly = np.rint(tests[[9]] * 0.9).astype(np.uint8)
    data = with_copies(
        textured(), np.concatenate([tests[[4]], nearly]), np.array([(labels[4] + 1) % 3, labels[9]])
    )
    leaks = DuplicateSearch(data, data.images).leaks(open_test(data, tmp_path))
    assert [[(each.split, each.index) for each in leak.pictures] for leak in leaks] == [
        [("test", 4), ("train", 300)],
        [("test", 9), ("train", 301)],
    ]
    assert "labelled" in leaks[0].message
    assert "nearly" in leaks[1].message


def test_validation_images_in_training_are_leaks(tmp_path: Path) -> None:
    """A copy across training and the source's own validation is a leak; a copy within one of them is not."""
    data = textured()
    nearly = np.rint(data.images[[20]] * 0.9).astype(np.uint8)
    images = np.concatenate([data.images[[7]], nearly, textures(30, 2)[0][[4]]])
    copied = replace(with_copies(data, images, np.array([2, 2, 1])), validation=np.array([30, 300, 301, 302]))
    exact, near = _find(copied)
    assert (exact.kind, near.kind) == ("leak", "leak")
    assert [(each.split, each.index) for each in exact.pictures] == [("train", 7), ("validation", 300)]
    assert "'flat' and 'tall'" in exact.message
    assert "nearly" in near.message
    leak, *_ = DuplicateSearch(copied, copied.images).leaks(open_test(copied, tmp_path))
    assert "Test image 4 " in leak.message
    assert "validation image 302" in leak.message
    inside = replace(copied, validation=np.array([7, 20, 300, 301]))
    assert [finding.kind for finding in _find(inside)] == ["conflict", "near_duplicate"]


def test_a_skipped_search_has_a_reason() -> None:
    """In a small set and among tiny pictures only exact copies are found, and a reason is given."""
    few = textured(30)
    assert "30 different images" in DuplicateSearch(few, few.images).skip_reason
    tiny = textured().images[:, :4, :4]
    data = textured(images=np.concatenate([tiny[:-1], tiny[:1]]))
    search = DuplicateSearch(data, data.images)
    assert "4 x 4 pixels" in search.skip_reason
    assert [finding.kind for finding in search.findings()] == ["conflict"]


def test_similar_pictures_are_no_near_duplicates() -> None:
    """If all pictures of a class are one shape with noise, none counts as a copy of another."""
    assert _find(dataset(400)) == []
