"""The published files of the named sets, each format read into upright images and labels from 0.

Archives are read by member: only regular files under the names expected, of the size expected, and never extracted.
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

from optotype.data.arrays.idx import read_idx, unpack_idx
from optotype.errors import DataError

Bytes = NDArray[np.uint8]
Arrays = dict[str, tuple[Bytes, Bytes]]
"""Images and labels of "train" and "test"."""

_LARGEST_MEMBER: Final = 256 << 20
_CIFAR_SIDE: Final = 32


def unpack_idx_files(originals: Mapping[str, Path]) -> Arrays:
    """Read MNIST's four files, each compressed with gzip.

    Args:
        originals: Where each file lies, by its name.

    Raises:
        IdxError: A file is malformed.
    """
    return {
        split: (
            read_idx(originals[f"{prefix}-images-idx3-ubyte.gz"]),
            read_idx(originals[f"{prefix}-labels-idx1-ubyte.gz"]),
        )
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }


def unpack_emnist(originals: Mapping[str, Path], variant: str, first_label: int) -> Arrays:
    """Read one of EMNIST's sets from gzip.zip, which holds all of them as compressed IDX files.

    The images lie transposed in these files (the authors' page says so), and are turned upright.

    Args:
        originals: Where gzip.zip lies.
        variant: The set's name in the archive ("letters").
        first_label: What the labels of the set begin with.

    Raises:
        DataError: The archive is not as expected.
        IdxError: A member is malformed.
    """
    path = originals["gzip.zip"]
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                split: _emnist_split(path, archive, variant, split, first_label)
                for split in ("train", "test")
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise _unsound(path, str(error)) from error


def unpack_cifar(originals: Mapping[str, Path], members: Mapping[str, Sequence[str]], labels: int) -> Arrays:
    """Read CIFAR-10 or CIFAR-100 in its binary form (https://www.cs.toronto.edu/~kriz/cifar.html).

    A record is one or two labels, of which the last is the finest, and 32 x 32 pixels of red, then green, then blue.

    Args:
        originals: Where the one archive lies.
        members: The names of the members of "train" and "test".
        labels: Bytes of labels in a record.

    Raises:
        DataError: The archive is not as expected.
    """
    (path,) = originals.values()
    wanted = [name for names in members.values() for name in names]
    try:
        found = _tar_members(path, wanted)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _unsound(path, str(error)) from error
    return {
        split: _cifar_records(path, b"".join(found[name] for name in names), labels)
        for split, names in members.items()
    }


def _emnist_split(
    path: Path, archive: zipfile.ZipFile, variant: str, split: str, first_label: int
) -> tuple[Any, Any]:
    images, labels = (
        _zip_idx(path, archive, f"gzip/emnist-{variant}-{split}-{kind}-ubyte.gz")
        for kind in ("images-idx3", "labels-idx1")
    )
    if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.ndim != 3 or labels.ndim != 1:
        raise _unsound(path, f"its {variant} are no bytes of images and labels")
    if labels.size and labels.min() < first_label:
        raise _unsound(path, f"it has a label below {first_label} in {variant}")
    return images.transpose(0, 2, 1), labels - np.uint8(first_label)


def _zip_idx(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    kind = stat.S_IFMT(entries[0].external_attr >> 16) if entries else 0
    if len(entries) != 1 or kind not in {0, stat.S_IFREG} or entries[0].file_size > _LARGEST_MEMBER:
        raise _unsound(path, f"it has no one regular file {name} of at most {_LARGEST_MEMBER} bytes")
    with archive.open(entries[0]) as file:
        return unpack_idx(path / name, file)


def _tar_members(path: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            if member.name not in wanted:
                continue
            file = archive.extractfile(member) if member.isreg() and member.size <= _LARGEST_MEMBER else None
            if file is None or member.name in found:
                raise _unsound(path, f"{member.name} is no regular file, or too large, or there twice")
            found[member.name] = file.read()
    if missing := [name for name in wanted if name not in found]:
        raise _unsound(path, f"it has no {missing[0]}")
    return found


def _cifar_records(path: Path, content: bytes, labels: int) -> tuple[Bytes, Bytes]:
    size = labels + 3 * _CIFAR_SIDE**2
    if len(content) % size:
        raise _unsound(path, f"{len(content)} bytes are no whole records of {size}")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    planes = records[:, labels:].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE)
    return planes.transpose(0, 2, 3, 1), records[:, labels - 1]


def _unsound(path: Path, what: str) -> DataError:
    return DataError(f"{path} is not as it was published: {what}. Remove it, so that it is fetched again.")
