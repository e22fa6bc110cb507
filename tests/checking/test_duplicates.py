"""Copies: exact and near ones, under one label and under two, within training and across to the test images."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from optotype.checking.duplicates import Copies
from optotype.checking.findings import Finding
from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from tests.checking.samples import textured, textures, with_copies
from tests.training.samples import dataset


def _found(data: Dataset) -> list[Finding]:
    return Copies(data, data.images).findings()


def _places(finding: Finding) -> list[int]:
    return [picture.index for picture in finding.pictures]


def test_unlike_pictures_are_no_copies() -> None:
    """Nothing is found in a set without copies."""
    assert _found(textured()) == []


def test_an_exact_copy_is_a_duplicate() -> None:
    """Pictures with the same pixels and label are one finding, however many they are."""
    data = textured()
    copied = with_copies(data, data.images[[7, 7]], data.labels[[7, 7]])
    (finding,) = _found(copied)
    assert finding.kind == "duplicate"
    assert _places(finding) == [7, 300, 301]
    assert "3 images of 'flat' are the same" in finding.message


def test_an_image_under_two_labels_is_a_conflict() -> None:
    """A copy under another label is a conflict, whether exact or near, and no duplicate besides."""
    data = textured()
    nearly = np.rint(data.images[[20]] * 0.9).astype(np.uint8)
    copied = with_copies(data, np.concatenate([data.images[[7]], nearly]), np.array([2, 0]))
    exact, near = _found(copied)
    assert {exact.kind, near.kind} == {"conflict"}
    assert _places(exact) == [7, 300]
    assert "'flat' and 'tall'" in exact.message
    assert _places(near) == [20, 301]
    assert exact.badness > near.badness


def test_near_duplicates_are_grouped() -> None:
    """Several altered copies of one picture are one group, and an exact copy among them does not hide them."""
    data = textured()
    altered = [np.rint(data.images[7] * share).astype(np.uint8) for share in (1, 0.9, 0.8)]
    copied = with_copies(data, np.stack(altered), data.labels[[7, 7, 7]])
    kinds = {finding.kind: _places(finding) for finding in _found(copied)}
    assert kinds == {"duplicate": [7, 300], "near_duplicate": [7, 301, 302]}


def test_copies_have_one_number() -> None:
    """Exact and near copies of a picture are one group, whatever their labels; all others are alone."""
    data = textured()
    altered = [np.rint(data.images[7] * share).astype(np.uint8) for share in (1, 0.9)]
    copied = with_copies(data, np.stack(altered), np.array([0, 1]))
    groups = Copies(copied, copied.images).groups
    assert len(set(groups[[7, 300, 301]].tolist())) == 1
    assert len(set(groups.tolist())) == 300


def test_test_images_in_training_are_leaks(tmp_path: Path) -> None:
    """A test image of which there is an exact or near copy in training is named with that copy."""
    tests, labels = textures(30, 2)
    nearly = np.rint(tests[[9]] * 0.9).astype(np.uint8)
    data = with_copies(
        textured(), np.concatenate([tests[[4]], nearly]), np.array([(labels[4] + 1) % 3, labels[9]])
    )
    leaks = Copies(data, data.images).leaks(open_test(data, tmp_path))
    assert [[(each.split, each.index) for each in leak.pictures] for leak in leaks] == [
        [("test", 4), ("train", 300)],
        [("test", 9), ("train", 301)],
    ]
    assert "pixel by pixel, but labelled" in leaks[0].message
    assert "nearly" in leaks[1].message


def test_validation_images_in_training_are_leaks(tmp_path: Path) -> None:
    """A copy, exact or near, across training and the source's own validation is a leak; within either it is none."""
    data = textured()
    nearly = np.rint(data.images[[20]] * 0.9).astype(np.uint8)
    images = np.concatenate([data.images[[7]], nearly, textures(30, 2)[0][[4]]])
    copied = replace(with_copies(data, images, np.array([2, 2, 1])), validation=np.array([30, 300, 301, 302]))
    exact, near = _found(copied)
    assert (exact.kind, near.kind) == ("leak", "leak")
    assert [(each.split, each.index) for each in exact.pictures] == [("train", 7), ("validation", 300)]
    assert exact.message == (
        "2 images, in training and in validation, are the same, pixel by pixel, but labelled 'flat' and 'tall'."
    )
    assert near.message.startswith("2 images, in training and in validation, are nearly the same (")
    leak, *_ = Copies(copied, copied.images).leaks(open_test(copied, tmp_path))
    assert leak.message == "Test image 4 is validation image 302, pixel by pixel."
    inside = replace(copied, validation=np.array([7, 20, 300, 301]))
    assert [finding.kind for finding in _found(inside)] == ["conflict", "near_duplicate"]


def test_too_little_to_compare_is_said() -> None:
    """In a small set, and among tiny pictures, exact copies are found and why no near ones are is told."""
    few = textured(30)
    assert "30 different images" in Copies(few, few.images).too_little
    tiny = textured().images[:, :4, :4]
    data = textured(images=np.concatenate([tiny[:-1], tiny[:1]]))
    copies = Copies(data, data.images)
    assert "4 x 4 pixels" in copies.too_little
    assert [finding.kind for finding in copies.findings()] == ["conflict"]


def test_pictures_of_one_shape_are_no_flood() -> None:
    """Where all pictures of a class are one shape with a little noise, none is called a copy of another."""
    assert _found(dataset(400)) == []
