"""Folders of four IDX files."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.data.load import load
from optotype.errors import DataError, IdxError

_IMAGES = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
_LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)
Files = dict[str, NDArray[Any]]


def _idx(array: NDArray[Any]) -> bytes:
    code = {"u1": 0x08, "i1": 0x09, "i4": 0x0C, "f4": 0x0D}[array.dtype.str[1:]]
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _files() -> Files:
    return {
        "train-images-idx3-ubyte": _IMAGES,
        "train-labels-idx1-ubyte": _LABELS,
        "t10k-images-idx3-ubyte": _IMAGES[:2] + 1,
        "t10k-labels-idx1-ubyte": _LABELS[1:3],
    }


def _write(folder: Path, arrays: Files) -> Path:
    for name, array in arrays.items():
        (folder / name).write_bytes(_idx(array))
    return folder


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("path_type", [str, Path])
def test_folder_of_idx_files_is_loaded(
    tmp_path: Path, pack: Callable[[bytes], bytes], path_type: Callable[[Path], str | Path]
) -> None:
    """Four files with MNIST's names, plain or .gz, are read; the labels themselves are the class names."""
    for name, array in _files().items():
        (tmp_path / (name if pack is bytes else f"{name}.gz")).write_bytes(pack(_idx(array)))
    data = load(path_type(tmp_path))
    np.testing.assert_array_equal(data.images, _IMAGES[..., np.newaxis])
    np.testing.assert_array_equal(data.labels, _LABELS)
    assert not data.images.flags.writeable
    assert not data.labels.flags.writeable
    assert data.class_names == ("0", "1", "2")
    assert (data.shape, data.test.n) == ((4, 3, 1), 2)
    assert (data.name, data.source, data.licence) == (tmp_path.name, str(tmp_path), "not stated")


def test_colour_images_and_32_bit_labels_are_loaded(tmp_path: Path) -> None:
    """Images of three channels and labels of 32-bit integers are read."""
    files = _files()
    for split, n in (("train", 6), ("t10k", 2)):
        files[f"{split}-images-idx3-ubyte"] = np.zeros((n, 5, 4, 3), np.uint8)
        files[f"{split}-labels-idx1-ubyte"] = _LABELS[:n].astype(">i4")
    data = load(_write(tmp_path, files))
    assert data.shape == (5, 4, 3)
    assert data.labels.dtype == np.int64
    assert data.labels.tolist() == _LABELS.tolist()


def test_fingerprints_depend_on_content(tmp_path: Path) -> None:
    """Fingerprints depend only on content, not on place or compression; every change of content changes them."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load(_write(tmp_path / "a", _files()))
    for name, array in _files().items():
        (tmp_path / "b" / f"{name}.gz").write_bytes(gzip.compress(_idx(array)))
    compressed = load(tmp_path / "b")
    assert first.fingerprint == compressed.fingerprint
    assert first.test.fingerprint == compressed.test.fingerprint
    assert first.fingerprint.startswith("sha256:")
    fingerprints = {first.fingerprint, first.test.fingerprint}
    for number, (name, array) in enumerate(_files().items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        changed = load(_write(folder, _files() | {name: array[::-1]}))
        fingerprints |= {changed.fingerprint, changed.test.fingerprint}
    assert len(fingerprints) == 2 + 4


@pytest.mark.parametrize("missing", _files())
def test_missing_file_raises_data_error(tmp_path: Path, missing: str) -> None:
    """A folder without one of the four files is rejected with that file's name."""
    files = _files()
    del files[missing]
    with pytest.raises(DataError, match=f"has no file {missing} or {missing}.gz"):
        load(_write(tmp_path, files))


_U1 = np.uint8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train-labels-idx1-ubyte": _LABELS[:5]},
            "contains 6 images and .*train-labels-idx1-ubyte contains 5 labels",
        ),
        (
            {"t10k-labels-idx1-ubyte": _LABELS},
            "contains 2 images and .*t10k-labels-idx1-ubyte contains 6 labels",
        ),
        (
            {"train-labels-idx1-ubyte": np.array([0, 1, 2, 200, 1, 2], _U1)},
            "Label 200 at index 3 of .*train-labels-idx1-ubyte is out of range; expected 0 to 3 for the 4 classes",
        ),
        (
            {"train-labels-idx1-ubyte": np.array([0, 1, 2, 0, -1, 2], np.int8)},
            "Label -1 at index 4 of .* is out of range; expected 0 to 3",
        ),
        (
            {"t10k-labels-idx1-ubyte": np.array([0, 3], _U1)},
            "Label 3 at index 1 of .*t10k-labels-idx1-ubyte is out of range; expected 0 to 2",
        ),
        (
            {"train-labels-idx1-ubyte": np.full(6, 1, _U1)},
            "All 6 training images in .* have the class 1",
        ),
        (
            {"train-images-idx3-ubyte": _IMAGES[:0], "train-labels-idx1-ubyte": _LABELS[:0]},
            "train-images-idx3-ubyte contains 0 images",
        ),
        (
            {"t10k-images-idx3-ubyte": _IMAGES[:0], "t10k-labels-idx1-ubyte": _LABELS[:0]},
            "t10k-images-idx3-ubyte contains 0 images",
        ),
        (
            {"train-images-idx3-ubyte": _IMAGES.astype(">f4")},
            "contains float32 values .* expected uint8 images",
        ),
        ({"train-images-idx3-ubyte": _IMAGES.reshape(6, 12)}, r"of shape \(6, 12\); expected uint8 images"),
        ({"train-images-idx3-ubyte": np.zeros((6, 1, 1, 1, 1), _U1)}, "expected uint8 images"),
        ({"train-images-idx3-ubyte": np.zeros((6, 129, 2), _U1)}, "129 x 2 pixels and 1 channels"),
        ({"train-images-idx3-ubyte": np.zeros((6, 4, 0), _U1)}, "4 x 0 pixels and 1 channels"),
        ({"train-images-idx3-ubyte": np.zeros((6, 4, 4, 2), _U1)}, "4 x 4 pixels and 2 channels"),
        (
            {"t10k-images-idx3-ubyte": np.zeros((2, 4, 4), _U1)},
            r"have shape \(4, 4, 1\); expected \(4, 3, 1\)",
        ),
        (
            {"train-labels-idx1-ubyte": _LABELS.astype(">f4")},
            "contains float32 values .* expected integer labels",
        ),
        (
            {"train-labels-idx1-ubyte": _LABELS.reshape(6, 1)},
            r"of shape \(6, 1\); expected integer labels",
        ),
    ],
)
def test_invalid_data_raise_data_error(tmp_path: Path, changes: Files, message: str) -> None:
    """Each fault of four intact files is rejected before training, with the values at fault."""
    with pytest.raises(DataError, match=message):
        load(_write(tmp_path, _files() | changes))


def test_malformed_file_in_a_folder_raises_idx_error(tmp_path: Path) -> None:
    """A damaged file of the test split is detected when the data set is loaded."""
    path = _write(tmp_path, _files()) / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IdxError, match=f"{path} is not an intact IDX file: at byte 16"):
        load(tmp_path)
