"""Classes and splits, derived from names alone."""

import pytest

from optotype.data.pictures.location import FileLocation
from optotype.data.sources.listing import (
    Listing,
    Row,
    is_ignored,
    is_picture,
    listing_from_folders,
    listing_from_rows,
)
from optotype.errors import DataError
from tests.data.picture_files import names


def _list_files(files: list[str], folders: list[str] | None = None) -> Listing:
    return listing_from_folders("pets", [FileLocation(file, file) for file in files], folders or [])


def _files(listing: Listing, split: str) -> list[str]:
    return [row.location.file for row in listing.splits[split]]


def test_class_folders_are_classes() -> None:
    """Folders are classes, in order, and every image is for training."""
    listing = _list_files(names(2, ("dog", "cat")))
    assert listing.class_names == ("cat", "dog")
    assert _files(listing, "train") == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    assert [row.label for row in listing.splits["train"]] == [0, 0, 1, 1]
    assert listing.splits["validation"] == listing.splits["test"] == ()


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_split_folders_are_splits(name: str) -> None:
    """Images in train/, test/ and val/ (with each accepted name) are in that split."""
    listing = _list_files(names(2, below="train/") + names(1, below=f"{name}/") + names(1, below="test/"))
    assert [len(listing.splits[split]) for split in ("train", "validation", "test")] == [4, 2, 2]
    assert listing.class_names == ("cat", "dog")


def test_training_and_testing_are_split_names() -> None:
    """Training and Testing are names of splits too."""
    listing = _list_files(names(2, below="Training/") + names(1, below="Testing/"))
    assert [len(listing.splits[split]) for split in ("train", "test")] == [4, 2]


@pytest.mark.parametrize(
    "files",
    [
        names(1, below="training_set/") + names(1, below="test_set/"),
        names(1, ("train", "test"), below="cat/") + names(1, ("train", "test"), below="dog/"),
        [f"all/{split}_images/{name}" for split in ("train", "test") for name in names(1)],
    ],
)
def test_split_folders_below_classes_are_rejected(files: list[str]) -> None:
    """Repeated folders below several class folders without images are rejected, with what to do."""
    with pytest.raises(DataError, match="rename them to train and test"):
        _list_files(files)


def test_single_repeated_folder_below_classes_is_skipped() -> None:
    """A single repeated folder, or folders below a class with images of its own, are accepted."""
    assert _list_files(["cat/images/1.png", "dog/images/2.png"]).class_names == ("cat", "dog")
    files = [*names(1), *names(1, ("a", "b"), below="cat/"), *names(1, ("a", "b"), below="dog/")]
    assert _list_files(files).class_names == ("cat", "dog")


def test_test_folder_is_not_used_for_validation() -> None:
    """With only train/ and test/, nothing is set aside for validation."""
    listing = _list_files(names(2, below="train/") + names(1, below="test/"))
    assert listing.splits["validation"] == ()


def test_deeper_folders_belong_to_the_class_above() -> None:
    """Nested folders below a class folder are not classes."""
    listing = _list_files(["cat/a/b/1.png", "cat/2.png", "dog/x/3.png"])
    assert listing.class_names == ("cat", "dog")
    assert len(listing.splits["train"]) == 3


@pytest.mark.parametrize("below", ["pets/", "a/b/"])
def test_folder_around_everything_is_skipped(below: str) -> None:
    """A folder around everything is skipped, with splits or without."""
    assert _list_files(names(2, below=below)).class_names == ("cat", "dog")
    split = _list_files(names(2, below=f"{below}train/") + names(1, below=f"{below}test/"))
    assert [len(split.splits[name]) for name in ("train", "test")] == [4, 2]
    assert len(_list_files(names(2, below=f"{below}train/")).splits["train"]) == 4


def test_images_outside_class_folders_are_unusable() -> None:
    """An image file outside of class folders is unusable."""
    listing = _list_files([*names(1), "cover.png"])
    assert [(skipped.file, skipped.reason) for skipped in listing.skipped] == [
        ("cover.png", "is not in a class folder")
    ]
    split = _list_files([*names(1, below="train/"), "train/stray.png", "docs/a/figure.png"])
    assert [skipped.file for skipped in split.skipped] == ["docs/a/figure.png", "train/stray.png"]


def test_numeric_class_names_are_sorted_by_number() -> None:
    """Numeric class names are sorted by number: 2 before 10."""
    assert _list_files(names(1, ("10", "2", "0"))).class_names == ("0", "2", "10")
    assert _list_files(names(1, ("10", "2", "x"))).class_names == ("10", "2", "x")


@pytest.mark.parametrize(
    ("files", "folders", "message"),
    [
        ([], [], "pets has no training image"),
        (["\x1b.png"], [], r"no training image \(\\x1b.png is not in a class folder\)"),
        (["a.png"], [], r"no training image \(a.png is not in a class folder\)"),
        (["cat/1.png"], [], "single class 'cat'"),
        (names(1), ["cat", "dog", "cow"], "class folder 'cow' of pets has no image file"),
        (names(1, below="train/"), ["train", "train/cow"], "class folder 'cow' of pets has no image file"),
        ([*names(1, below="train/"), "test/cow/1.png"], [], "images of 'cow', but no training images"),
        ([*names(1, below="train/"), "val/cow/1.png"], [], "images of 'cow', but no training images"),
        (["cat/1.png", "Cat/1.png"], [], "'Cat' and 'cat', which differ only by case"),
        (["train/cat/1.png", "train/dog/1.png", "test/CAT/1.png"], [], "'CAT' and 'cat', which differ"),
        (
            ["\u00e9/1.png", "e\u0301/1.png"],
            [],
            r"'e\\u0301' and '\\xe9', which differ only by case or Unicode",
        ),
        (["\ufb01sh/1.png", "fish/1.png"], [], r"'fish' and '\\ufb01sh', which differ"),
        (["cat/1.png", "d\x1bg/1.png"], [], r"class named 'd\\x1bg'"),
        (["cat/1.png", "d\udcffg/1.png"], [], r"class named 'd\\udcffg'"),
        (names(1, below="test/"), [], "a folder test but no folder train"),
        (names(1, below="train/") + names(1, below="val/") + names(1, below="valid/"), [], "val and valid"),
    ],
)
def test_invalid_sources_are_rejected(files: list[str], folders: list[str], message: str) -> None:
    """Each fault of names is rejected with the names at fault."""
    with pytest.raises(DataError, match=message):
        _list_files(files, folders)


def test_empty_class_folder_of_the_test_split_is_accepted() -> None:
    """Only training needs images of every class."""
    assert len(_list_files([*names(1, below="train/"), "test/cat/1.png"], ["test/dog"]).splits["test"]) == 1


def test_class_names_are_stored_in_composed_form() -> None:
    """A class name in Unicode's decomposed form, as some systems write it, is stored in the composed one."""
    rows = [Row("train", name, FileLocation(f"{name}.png", "")) for name in ("e\u0301", "a")]
    assert listing_from_rows("pets", rows).class_names == ("a", "\u00e9")


@pytest.mark.parametrize("name", [".DS_Store", ".ipynb_checkpoints", "__MACOSX", "._cat.png", ".hidden"])
def test_system_files_are_ignored(name: str) -> None:
    """Hidden files and folders and those of macOS are ignored."""
    assert is_ignored(name)
    assert not is_picture(f"{name}/cat.png")


@pytest.mark.parametrize(
    ("name", "picture"),
    [("a.PNG", True), ("a.heic", True), ("Thumbs.db", False), ("a.txt", False), ("png", False)],
)
def test_image_files_are_recognised_by_their_suffix(name: str, picture: bool) -> None:
    """Files of unsupported image formats count as image files, so that they are reported and not ignored."""
    assert is_picture(f"cat/{name}") is picture
