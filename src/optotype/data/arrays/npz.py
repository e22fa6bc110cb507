"""NPZ files with the arrays of Keras's data sets: x_train, y_train, x_test, y_test. Nothing in one is trusted."""

import math
import warnings
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.arrays.in_memory import KEYS, dataset_of
from optotype.data.dataset import Dataset
from optotype.errors import DataError

_MOST_UNPACKED: Final = 4 << 30
_FAULTS: Final = (
    # NumPy parses a header as a Python literal, and lets out what its tokenizer and its types raise of odd ones.
    *(ValueError, OverflowError, TypeError, IndexError, KeyError, AttributeError, SyntaxError, TokenError),
    *(RecursionError, MemoryError),
)
_HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load_npz(path: Path) -> Dataset:
    """Load an NPZ file, as np.savez and np.savez_compressed write it.

    Args:
        path: The file, with the arrays x_train and y_train, and x_test and y_test where there is a test split, of the
            forms that `arrays.load_arrays` takes. Pickled objects are refused, and so is a file that would unpack to
            more than 4 GiB.

    Raises:
        DataError: The file is malformed, or its arrays are no data set.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            arrays = {
                entry.filename.removesuffix(".npy"): _read(path, archive, entry)
                for entry in archive.infolist()
            }
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        UnicodeError,
    ) as error:
        raise _fault(path, str(error)) from error
    try:
        return dataset_of(arrays, path.stem, str(path.resolve()))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    names = [entry.filename for entry in archive.infolist()]
    accepted = {f"{key}.npy" for key in KEYS}
    if len(set(names)) != len(names) or not set(names) <= accepted:
        raise _fault(path, f"it holds {', '.join(names[:8])}, expected at most {', '.join(sorted(accepted))}")
    if not {entry.compress_type for entry in archive.infolist()} <= {
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    }:
        raise _fault(path, "it is compressed by another method than deflate")
    total = sum(entry.file_size for entry in archive.infolist())
    if total > _MOST_UNPACKED:
        raise _fault(path, f"it unpacks to {total} bytes, expected at most {_MOST_UNPACKED}")


def _read(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array, asking for no more memory than the bytes that are there."""
    try:
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise _fault(
                    path, f"{entry.filename} has version {version} of the format, expected 1.0 or 2.0"
                )
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # of a header in the style of Python 2, or of a type that is to go
                shape, fortran, kind = _HEADERS[version](file)
            if kind.hasobject:
                raise _fault(
                    path, f"{entry.filename} holds pickled objects, which may run code when they are read"
                )
            declared = math.prod(shape) * kind.itemsize
            content = file.read(max(declared, 0) + 1)
            if len(content) != declared or not declared:
                raise _fault(
                    path, f"{entry.filename} does not hold the values of its shape {shape}, or holds none"
                )
            return np.ndarray(shape, kind, content, order="F" if fortran else "C")
    except _FAULTS as error:
        reason = str(error) or type(error).__name__
        raise _fault(path, f"{entry.filename} is no sound array ({reason})") from error


def _fault(path: Path, what: str) -> DataError:
    return DataError(
        f"{path} is not a sound NPZ file of images: {what}. Write it again with np.savez_compressed."
    )
