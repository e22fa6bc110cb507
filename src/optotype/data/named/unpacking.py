"""Reading of the published files of the named data sets to upright images and labels that start at 0.

Archives are read member by member and never extracted: only regular files with the expected names and sizes are read.
"""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.arrays.idx import decompress_idx, read_idx
from optotype.errors import DataError

Bytes = NDArray[np.uint8]
SplitArrays = dict[str, tuple[Bytes, Bytes]]
"""Images and labels of "train" and "test"."""

_MAX_MEMBER: Final = 256 << 20
_CIFAR_SIDE: Final = 32


def unpack_idx_files(paths: Mapping[str, Path]) -> SplitArrays:
    """Read MNIST's four files, each compressed with gzip.

    Args:
        paths: The path of each file, by its name.

    Raises:
        IdxError: If a file is malformed.
    """
    return {
        split: (
            read_idx(paths[f"{prefix}-images-idx3-ubyte.gz"]),
            read_idx(paths[f"{prefix}-labels-idx1-ubyte.gz"]),
        )
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }


def unpack_emnist(paths: Mapping[str, Path], variant: str, first_label: int) -> SplitArrays:
    """Read one of EMNIST's data sets from gzip.zip, which contains all of them as compressed IDX files.

    The images are transposed in these files (as the authors' page states), and are turned upright.

    Args:
        paths: The path of gzip.zip.
        variant: Name of the data set in the archive ("letters").
        first_label: The lowest label of the data set.

    Raises:
        DataError: If the archive is not the published one.
        IdxError: If a member is malformed.
    """
    path = paths["gzip.zip"]
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                split: _emnist_split(path, archive, variant, split, first_label)
                for split in ("train", "test")
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise _archive_error(path, str(error)) from error


def unpack_cifar(paths: Mapping[str, Path], members: Mapping[str, Sequence[str]], labels: int) -> SplitArrays:
    """Read CIFAR-10 or CIFAR-100 in its binary form (https://www.cs.toronto.edu/~kriz/cifar.html).

    A record has one or two labels, the last of which is the finest, and 32 x 32 pixels of red, then green, then blue.

    Args:
        paths: The path of the archive.
        members: Names of the archive members of "train" and "test".
        labels: Number of label bytes in a record.

    Raises:
        DataError: If the archive is not the published one.
    """
    (path,) = paths.values()
    expected = [name for names in members.values() for name in names]
    try:
        contents = _read_tar(path, expected)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _archive_error(path, str(error)) from error
    return {
        split: _cifar_records(path, b"".join(contents[name] for name in names), labels)
        for split, names in members.items()
    }


def _emnist_split(
    path: Path, archive: zipfile.ZipFile, variant: str, split: str, first_label: int
) -> tuple[Any, Any]:
    images, labels = (
        _read_zip_idx(path, archive, f"gzip/emnist-{variant}-{split}-{kind}-ubyte.gz")
        for kind in ("images-idx3", "labels-idx1")
    )
    if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.ndim != 3 or labels.ndim != 1:
        raise _archive_error(path, f"its {variant} files are not uint8 images and labels")
    if labels.size and labels.min() < first_label:
        raise _archive_error(path, f"it has a label below {first_label} in {variant}")
    return images.transpose(0, 2, 1), labels - np.uint8(first_label)


def _read_zip_idx(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    file_type = stat.S_IFMT(entries[0].external_attr >> 16) if entries else 0
    if len(entries) != 1 or file_type not in {0, stat.S_IFREG} or entries[0].file_size > _MAX_MEMBER:
        raise _archive_error(
            path, f"it does not have exactly one regular file {name} of at most {_MAX_MEMBER} bytes"
        )
    with archive.open(entries[0]) as file:
        return decompress_idx(path / name, file)


def _read_tar(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            if member.name not in names:
                continue
            file = archive.extractfile(member) if member.isreg() and member.size <= _MAX_MEMBER else None
            if file is None or member.name in contents:
                raise _archive_error(
                    path, f"{member.name} is not a regular file, or is too large, or occurs twice"
                )
            contents[member.name] = file.read()
    if missing := [name for name in names if name not in contents]:
        raise _archive_error(path, f"it has no {missing[0]}")
    return contents


def _cifar_records(path: Path, content: bytes, labels: int) -> tuple[Bytes, Bytes]:
    size = labels + 3 * _CIFAR_SIDE**2
    if len(content) % size:
        raise _archive_error(path, f"its {len(content)} bytes are not a multiple of the record size {size}")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    planes = records[:, labels:].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE)
    return planes.transpose(0, 2, 3, 1), records[:, labels - 1]


def _archive_error(path: Path, fault: str) -> DataError:
    return DataError(
        f"{path} differs from the published archive: {fault}. Delete it, so that it is downloaded again."
    )
