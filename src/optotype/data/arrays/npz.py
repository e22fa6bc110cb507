"""NPZ files with the arrays of Keras's data sets: x_train, y_train, x_test, y_test. The files are not trusted."""

import math
import warnings
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.arrays.in_memory import ARRAY_KEYS, dataset_from_arrays
from optotype.data.dataset import Dataset
from optotype.errors import DataError

_MAX_UNPACKED: Final = 4 << 30
_READ_ERRORS: Final = (
    # NumPy parses a header as a Python literal; its tokenizer and dtypes raise all of these for malformed headers.
    *(ValueError, OverflowError, TypeError, IndexError, KeyError, AttributeError, SyntaxError, TokenError),
    *(RecursionError, MemoryError),
)
_HEADER_READERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def load_npz(path: Path) -> Dataset:
    """Load an NPZ file that np.savez or np.savez_compressed wrote.

    Args:
        path: The file, with the arrays x_train and y_train, and optionally x_test and y_test, in the forms that
            `in_memory.load_arrays` takes. Pickled objects and files that unpack to more than 4 GiB are rejected.

    Raises:
        DataError: If the file is malformed, or its arrays are not a data set.
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
        raise _error(path, str(error)) from error
    try:
        return dataset_from_arrays(arrays, path.stem, str(path.resolve()))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    names = [entry.filename for entry in archive.infolist()]
    accepted = {f"{key}.npy" for key in ARRAY_KEYS}
    if len(set(names)) != len(names) or not set(names) <= accepted:
        raise _error(
            path, f"it contains {', '.join(names[:8])}; expected at most {', '.join(sorted(accepted))}"
        )
    if not {entry.compress_type for entry in archive.infolist()} <= {
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    }:
        raise _error(path, "its compression method is not deflate")
    total = sum(entry.file_size for entry in archive.infolist())
    if total > _MAX_UNPACKED:
        raise _error(path, f"it unpacks to {total} bytes; expected at most {_MAX_UNPACKED}")


def _read(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array, with no more memory than the archive has bytes for it."""
    try:
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADER_READERS:
                raise _error(
                    path, f"{entry.filename} has version {version} of the format; expected 1.0 or 2.0"
                )
            with warnings.catch_warnings():
                # Warnings of headers in Python 2 style and of deprecated dtypes.
                warnings.simplefilter("ignore")
                shape, fortran, dtype = _HEADER_READERS[version](file)
            if dtype.hasobject:
                raise _error(
                    path,
                    f"{entry.filename} contains pickled objects, which may run code when they are loaded",
                )
            declared = math.prod(shape) * dtype.itemsize
            content = file.read(max(declared, 0) + 1)
            if len(content) != declared or not declared:
                raise _error(
                    path, f"{entry.filename} does not contain the values of its shape {shape}, or is empty"
                )
            return np.ndarray(shape, dtype, content, order="F" if fortran else "C")
    except _READ_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise _error(path, f"{entry.filename} is not an intact array ({reason})") from error


def _error(path: Path, fault: str) -> DataError:
    return DataError(
        f"{path} is not an intact NPZ file of images: {fault}. Write it again with np.savez_compressed."
    )
