"""Additional training images."""

from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Options
from optotype.data.feedback import additions
from optotype.data.load import load
from optotype.data.sealed import open_test
from optotype.data.splits import split_of
from optotype.errors import DataError
from tests.data.picture_files import names, picture, write
from tests.training.samples import pictures, write_folder, write_pictures


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write 60 training and 20 test images as IDX files."""
    return write_folder(tmp_path / "digits", 60, 20)


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """Write 25 new image files into class folders."""
    return write_pictures(tmp_path / "added", *pictures(25, 7))


def test_added_images_are_used_for_training_only(digits: Path, added: Path, tmp_path: Path) -> None:
    """They follow the source's images, whose split, test set and fingerprint do not change."""
    plain, data = load(digits), load(digits, add=added)
    assert (data.own_images, len(data.images), len(data.labels)) == (60, 85, 85)
    np.testing.assert_array_equal(data.images[:60], plain.images)
    new, labels = pictures(25, 7)
    order = sorted(range(25), key=lambda index: f"{labels[index]}/{index}.png")
    np.testing.assert_array_equal(data.images[60:], new[order])
    np.testing.assert_array_equal(data.labels[60:], labels[order])
    for validation, seed in ((10, 0), (0.25, 3), (0, 1)):
        plain_split, split = split_of(plain, validation, seed), split_of(data, validation, seed)
        np.testing.assert_array_equal(plain_split.validation, split.validation)
        np.testing.assert_array_equal([*plain_split.train, *range(60, 85)], split.train)
        assert plain_split.fingerprint == split.fingerprint
        assert not split.train.flags.writeable
    assert data.test.fingerprint == plain.test.fingerprint
    assert data.own_fingerprint == plain.fingerprint == plain.own_fingerprint
    assert data.fingerprint != plain.fingerprint
    assert open_test(data, tmp_path / "runs", by="a test").opening == 1
    assert data.options == Options(add=str(added))
    assert (data.name, data.source, data.skipped) == (plain.name, plain.source, ())
    assert data.addition is not None
    assert data.addition.files[0] == str(added / "0" / "0.png")
    assert not data.images.flags.writeable
    assert not data.labels.flags.writeable


def test_every_kind_of_source_accepts_additional_images(tmp_path: Path, added: Path) -> None:
    """IDX files, an NPZ file and arrays with the same additional images have the same fingerprint."""
    images, labels = pictures(60, 1)
    test_images, test_labels = pictures(20, 2)
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=test_images, y_test=test_labels)
    data_sets = [
        load(write_folder(tmp_path / "idx", 60, 20), add=added),
        load(tmp_path / "set.npz", add=added),
        load({"x_train": images, "y_train": labels, "x_test": test_images, "y_test": test_labels}, add=added),
    ]
    assert len({data.fingerprint for data in data_sets}) == 1


def test_added_images_are_resized_to_the_source(tmp_path: Path) -> None:
    """A folder's own validation does not change; additional images get its shape and follow in the list of files."""
    files = [*names(5, below="train/"), *names(2, below="val/"), *names(2, below="test/")]
    source = write(tmp_path / "pets", files)
    (tmp_path / "more" / "dog" / "deeper").mkdir(parents=True)
    (tmp_path / "more" / "dog" / "deeper" / "x.jpg").write_bytes(picture(99, (40, 30), "L", "JPEG"))
    plain, data = load(source), load(source, add=tmp_path / "more")
    assert data.shape == plain.shape == (10, 12, 3)
    assert plain.files is not None
    assert data.files == (*plain.files, str(tmp_path / "more" / "dog" / "deeper" / "x.jpg"))
    assert data.sizes is None
    assert data.class_names[data.labels[-1]] == "dog"
    plain_split, split = split_of(plain, 0, 0), split_of(data, 0, 0)
    np.testing.assert_array_equal(plain_split.validation, split.validation)
    assert plain_split.fingerprint == split.fingerprint
    assert split.train[-1] == 14


def test_copies_of_training_images_are_skipped(digits: Path, added: Path) -> None:
    """A copy of a training image is listed as skipped, for every value of on_bad."""
    images, labels = pictures(60, 1)
    write_pictures(added / "3", images[13:14], labels[13:14])
    data = load(digits, add=added)
    assert len(data.labels) == 85
    (skipped,) = data.skipped
    assert skipped.file == str(added / "3" / "3" / "0.png")
    assert skipped.reason == "is a copy of training image 13 of digits, pixel by pixel"


def test_folder_that_overlaps_the_source_is_rejected(tmp_path: Path) -> None:
    """The folder of the source, a folder in it and one around it are rejected: they contain its test images."""
    source = write(tmp_path / "all" / "pets", names(10))
    for folder in (source, source / "dog", tmp_path / "all"):
        with pytest.raises(DataError, match=r"cannot be added to .* test images"):
            load(source, add=folder)


def test_folder_of_copies_is_rejected(digits: Path, tmp_path: Path) -> None:
    """If every image is a copy, the first is named."""
    write_pictures(tmp_path / "same", *pictures(60, 1))
    with pytest.raises(
        DataError, match=r"no image that can be added to digits \(.*0\.png is a copy of training image 0 "
    ):
        load(digits, add=tmp_path / "same")


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("missing", r"There is no folder .*missing; expected a folder of class folders"),
        ("a\0b", "cannot be read: .*null"),
        ("empty", "has no image that can be added to digits; expected class folders"),
        (
            "unknown",
            r"Unknown class of digits '70'\. Did you mean '7'\? Known: 0, .* It is a folder in .*unknown",
        ),
        ("splits", "Unknown class of digits 'test'"),
        ("flat", "1 file of .*flat is unusable.*\n  .*a.png is not in a class folder"),
        ("damaged", "1 file of .*damaged is unusable.*\n  .*bad.png cannot be decoded as an image"),
    ],
)
def test_invalid_folder_raises_data_error(digits: Path, tmp_path: Path, folder: str, message: str) -> None:
    """A folder that is missing, empty, of other classes or with unusable files is rejected with its fault."""
    (tmp_path / "empty" / "7").mkdir(parents=True)
    write(tmp_path / "unknown", ["7/a.png", "70/b.png"])
    write(tmp_path / "splits", ["train/7/a.png", "test/7/b.png"])
    write(tmp_path / "flat", ["a.png", "7/b.png"])
    write(tmp_path / "damaged", ["7/b.png"])
    (tmp_path / "damaged" / "7" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=message):
        load(digits, add=tmp_path / folder)


def test_unusable_files_can_be_skipped(digits: Path, added: Path) -> None:
    """With on_bad="skip" they are listed, and the option is recorded, although IDX files do not use it."""
    (added / "7" / "bad.png").write_bytes(b"no picture")
    (added / "stray.png").write_bytes(picture())
    data = load(digits, add=added, on_bad="skip")
    assert [skipped.file for skipped in data.skipped] == [
        str(added / "stray.png"),
        str(added / "7" / "bad.png"),
    ]
    assert data.options == Options(on_bad="skip", add=str(added))
    assert len(data.labels) == 85


def test_loading_reports_progress(digits: Path, added: Path) -> None:
    """Progress has the folder's name and reaches the last image."""
    reports: list[tuple[str, int, int]] = []
    load(digits, add=added, report=lambda *report: reports.append(report))
    assert reports[-1] == ("decoding the images of added", 25, 25)


def test_many_images_are_memory_mapped(
    digits: Path, added: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a limit images are mapped from an unnamed file, with the same pixels."""
    plain = load(digits, add=added)
    monkeypatch.setattr(additions, "_MAX_IN_MEMORY", 0)
    monkeypatch.setattr(additions, "_CHUNK", 7)
    data = load(digits, add=added)
    np.testing.assert_array_equal(data.images, plain.images)
    assert data.fingerprint == plain.fingerprint
    assert not data.images.flags.writeable
    assert not list(home.iterdir())
    home.rmdir()
    home.write_bytes(b"")
    with pytest.raises(DataError, match="additional images cannot be written"):
        load(digits, add=added)
