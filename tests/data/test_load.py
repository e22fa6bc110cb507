"""The kinds of sources that `load` accepts."""

from pathlib import Path

import numpy as np
import pytest

from optotype.data.load import is_resizable, load
from optotype.errors import DataError
from tests.data.picture_files import names, write
from tests.training.samples import pictures, write_folder


@pytest.mark.parametrize("name", ["minst", "mnits", "no/such/folder", "\0", "x" * 300])
def test_unknown_source_error_lists_known_names(name: str) -> None:
    """The error for an unknown name lists the known names and the accepted paths."""
    with pytest.raises(DataError) as excinfo:
        load(name)
    if len(name) < 100:
        assert "Unknown data set" in str(excinfo.value)
        assert "kmnist, mnist." in str(excinfo.value)
        assert "class folders of image files, or four IDX files" in str(excinfo.value)


def test_misspelled_name_gets_a_suggestion() -> None:
    """The error for 'minst' suggests 'mnist'."""
    with pytest.raises(DataError, match="Did you mean 'mnist'"):
        load("minst")


def test_unknown_file_type_raises_data_error(tmp_path: Path) -> None:
    """The error for a file of unknown type says that it exists, and lists the accepted types."""
    (tmp_path / "train-images-idx3-ubyte.txt").write_bytes(b"")
    for path, message in (
        (tmp_path, "has no training image; expected class folders"),
        (tmp_path / "train-images-idx3-ubyte.txt", "The file has an unknown type"),
    ):
        with pytest.raises(DataError, match=message):
            load(path)


@pytest.mark.parametrize("source", ["folder", "mnist"])
def test_unreadable_source_raises_data_error(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the operating system becomes a DataError with its reason, for a path as for a name."""

    def raise_permission_error(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", raise_permission_error)
    monkeypatch.setattr(Path, "is_file", raise_permission_error)
    with pytest.raises(DataError, match=f"{source} cannot be read: Permission denied"):
        load(source)


def test_data_set_name_precedes_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """'mnist' is the data set even beside a folder of that name; './mnist' and a Path are the folder."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "mnist", 20, 10)
    assert len(load("mnist").labels) == 60_000
    for path in ("./mnist", Path("mnist")):
        data = load(path)
        assert len(data.labels) == 20
        assert data.source == str(tmp_path / "mnist")


def test_every_kind_of_source_is_recognised(tmp_path: Path) -> None:
    """A folder of IDX files, an NPZ file and arrays give the same images and labels, and name where they came from."""
    images, labels = pictures(40, 1)
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    folder = load(write_folder(tmp_path / "folder", 40, 10))
    file = load(tmp_path / "set.npz")
    arrays = load({"x_train": images, "y_train": labels, "x_test": images[:10], "y_test": labels[:10]})
    assert folder.fingerprint == file.fingerprint == arrays.fingerprint
    assert file.test.fingerprint == arrays.test.fingerprint
    assert [data.source for data in (folder, file, arrays)] == [
        str(tmp_path / "folder"),
        str(tmp_path / "set.npz"),
        "arrays",
    ]
    assert [data.name for data in (folder, file, arrays)] == ["folder", "set", "arrays"]


def test_only_image_files_are_resized(tmp_path: Path) -> None:
    """Arrays and IDX files cannot be resized: only their own size is accepted."""
    folder = write_folder(tmp_path / "folder", 20, 10)
    for source in (folder, pictures(20, 1)):
        assert load(source, size=28).shape == (28, 28, 1)
        with pytest.raises(DataError, match=r"size is 32, but .* has images of 28 x 28 pixels"):
            load(source, size=32)


@pytest.mark.parametrize("size", [7, 129, 0, -1])
def test_size_outside_its_bounds_is_rejected(size: int) -> None:
    """Sides below 8 and above 128 pixels are rejected."""
    with pytest.raises(DataError, match=f"size is {size}; expected 8 to 128"):
        load("mnist", size=size)


def test_on_bad_is_stop_or_skip() -> None:
    """on_bad is 'stop' or 'skip'."""
    with pytest.raises(DataError, match="on_bad is 'maybe'; expected 'stop' or 'skip'"):
        load("mnist", on_bad="maybe")  # type: ignore[arg-type] # that it is refused is the point


def test_only_image_folders_are_resizable(tmp_path: Path) -> None:
    """Folders of image files are resizable; names, IDX files, missing and impossible paths are not."""
    assert is_resizable(write(tmp_path / "pets", names(2)))
    not_resizable: list[str | Path] = ["mnist", write_folder(tmp_path / "digits"), "nowhere", "x" * 300]
    assert not any(map(is_resizable, not_resizable))
