"""NPZ files, intact and hostile."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optotype.data.arrays import npz
from optotype.data.arrays.in_memory import load_arrays
from optotype.data.arrays.npz import load_npz
from optotype.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (20, 4, 4), np.uint8)
Y = np.arange(20) % 2
ARRAYS: dict[str, Any] = {"x_train": X, "y_train": Y, "x_test": X[:5], "y_test": Y[:5]}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_file_equals_the_data_set_of_its_arrays(tmp_path: Path, save: Callable[..., None]) -> None:
    """Plain and compressed files, with or without a test split, in both axis orders, equal their arrays."""
    for arrays in (
        ARRAYS,
        {key: ARRAYS[key] for key in ("y_train", "x_train")},
        ARRAYS | {"x_train": np.asfortranarray(X)},
    ):
        save(tmp_path / "set.npz", **arrays)
        data, expected = load_npz(tmp_path / "set.npz"), load_arrays(arrays)
        assert data.fingerprint == expected.fingerprint
        assert data.test.fingerprint == expected.test.fingerprint
        assert (data.name, data.source) == ("set", str(tmp_path / "set.npz"))


def _npy(shape: str, content: bytes, kind: str = "|u1", version: bytes = b"\1\0") -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_npy("(2, 3, 3)", bytes(17)), r"does not contain the values of its shape \(2, 3, 3\)"),
        (_npy("(2, 3, 3)", bytes(19)), "does not contain the values"),
        (_npy("(1000000000000,)", b""), "does not contain the values"),
        (_npy("(0, 3, 3)", b""), "or is empty"),
        (_npy("(-1, -1)", b"1"), "is not an intact array"),
        (_npy("(0, 1180591620717411303424)", b""), "or is empty"),
        (_npy("(9,)", b"", kind="|V0"), "or is empty"),
        (_npy("(1,)", b"cos\nsystem\n", kind="|O"), "contains pickled objects"),
        (_npy("(9,)", bytes(9), version=b"\3\0"), "has version"),
        (_npy("'many'", b""), "is not an intact array"),
        (_npy("(2,)", bytes(4), kind="no type"), "is not an intact array"),
        (b"\x93NUMPY\1\0", "is not an intact array"),
        (b"no array", "is not an intact array"),
        (b"", "is not an intact array"),
    ],
)
def test_malformed_array_is_rejected(tmp_path: Path, content: bytes, message: str) -> None:
    """A member with a wrong shape, objects or a malformed header is rejected by name, without using memory."""
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", content)
    with pytest.raises(
        DataError, match=rf"set\.npz is not an intact NPZ file of images: x_train\.npy .*{message}"
    ):
        load_npz(path)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3,",
        "{'descr': '|u1', 1: False, 'shape': (3,)}",
        "{'descr': ('|u1',), 'fortran_order': False, 'shape': (3,)}",
        "{'descr': [()], 'fortran_order': False, 'shape': (3,)}",
        "{'descr': 'u1,(', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (" + "-" * 9000 + "1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': " + "(" * 900 + "1" + ",)" * 900 + "}",
        "{'descr': '|u1\0', 'fortran_order': False, 'shape': (3,)}",
        "{[]: 1}",
        "{{'a'}: 1}",
    ],
)
def test_malformed_header_is_rejected(tmp_path: Path, header: str) -> None:
    """Every exception of NumPy for a header becomes a DataError."""
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        content = header.encode()
        archive.writestr("x_train.npy", b"\x93NUMPY\1\0" + len(content).to_bytes(2, "little") + content)
    with pytest.raises(DataError, match=r"x_train\.npy is not an intact array"):
        load_npz(path)


def test_member_name_that_is_not_text_is_rejected(tmp_path: Path) -> None:
    """A member name that is not valid UTF-8 becomes a DataError."""
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\u00e9_train.npy", b"")
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))
    with pytest.raises(DataError, match="is not an intact NPZ file of images"):
        load_npz(path)


def test_unexpected_members_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other or repeated names, another compression and too many bytes are rejected before reading."""
    path = tmp_path / "set.npz"
    np.savez(path, **ARRAYS, x_val=X)
    with pytest.raises(DataError, match=r"x_val\.npy; expected at most"):
        load_npz(path)
    np.savez(path, **ARRAYS)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x_train.npy", b"again")
    with pytest.raises(DataError, match=r"it contains x_train\.npy"):
        load_npz(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x_train.npy", b"")
    with pytest.raises(DataError, match="compression method is not deflate"):
        load_npz(path)
    np.savez_compressed(path, x_train=np.zeros((1000, 28, 28), np.uint8), y_train=Y)
    monkeypatch.setattr(npz, "_MAX_UNPACKED", 100_000)
    with pytest.raises(DataError, match=r"it unpacks to 784\d+ bytes; expected at most 100000"):
        load_npz(path)


def test_invalid_arrays_are_reported_with_the_file_name(tmp_path: Path) -> None:
    """A fault of the arrays in an intact file is reported after the file's name."""
    np.savez(tmp_path / "set.npz", **(ARRAYS | {"y_test": Y[:4]}))
    with pytest.raises(DataError, match=r"set\.npz: x_test contains 5 images and y_test contains 4 labels"):
        load_npz(tmp_path / "set.npz")


def _valid_npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **ARRAYS)
    return file.getvalue()


@settings(max_examples=300)
@given(st.data())
def test_damaged_file_raises_data_error_or_is_a_data_set(data: st.DataObject) -> None:
    """A file that is cut or has changed bytes raises a DataError or is a data set."""
    content = bytearray(_valid_npz())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.npz"
        path.write_bytes(content[:length])
        with suppress(DataError):
            assert load_npz(path).source == str(path.resolve())
