"""The cache of decoded image files: uint8 pixels that are memory-mapped, and an index that describes them.

A source with a size setting has one folder. Each state of the source is an entry: a folder named after the hash of
everything that determines the pixels. An entry is written under a temporary name and renamed when it is complete, so
every entry is complete; older entries are then deleted. Only one process at a time writes an entry.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from optotype.data.dataset import Images
from optotype.errors import DataError
from optotype.storage.atomic import sync
from optotype.storage.cache_folder import cache_folder
from optotype.storage.locks import locked

INDEX: Final = "index.json"
_TEMPORARY: Final = ".tmp"


@dataclass(frozen=True)
class CacheIndex:
    """The description of an entry's pixels, which are in the files "train" and "test".

    Attributes:
        shape: Shape of an image, (height, width, channels).
        class_names: Names of all classes.
        train_files: Name of each training image, with the validation images last.
        train_labels: Class of each training image.
        train_heights: Height of each training image in its file, before resizing.
        train_widths: Width of each training image in its file.
        validation: Number of training images that are for validation.
        test_files: Name of each test image.
        test_labels: Class of each test image.
        skipped: File and reason of each unusable image file.
        fingerprint: Fingerprint of the data set.
        test_fingerprint: Fingerprint of its test split.
        content: Hash of the source's files; None if it was not computed.
    """

    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    train_files: tuple[str, ...]
    train_labels: tuple[int, ...]
    train_heights: tuple[int, ...]
    train_widths: tuple[int, ...]
    validation: int
    test_files: tuple[str, ...]
    test_labels: tuple[int, ...]
    skipped: tuple[tuple[str, str], ...]
    fingerprint: str
    test_fingerprint: str
    content: str | None


@dataclass(frozen=True)
class CacheEntry:
    """The decoded pixels of one state of a source.

    Attributes:
        folder: The folder of the entry.
        index: The description of its pixels.
    """

    folder: Path
    index: CacheIndex

    def images(self, split: str) -> Images:
        """Map the images of "train" or "test": uint8 of shape (n, height, width, channels), read-only.

        Raises:
            DataError: If they were deleted, because the source was decoded again.
        """
        n = len(self.index.train_files if split == "train" else self.index.test_files)
        return map_images(self.folder / split, n, self.index.shape)


def map_images(path: Path, n: int, shape: tuple[int, int, int]) -> Images:
    """Map a file of pixels into memory, read-only."""
    try:
        return np.memmap(path, np.uint8, "r", shape=(n, *shape)).view(np.ndarray)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The decoded images in {path} are missing or incomplete ({error}); expected {n} images of shape {shape}."
            " Load the data set again."
        ) from error


def entry_folder(source: str, settings: str, state: str) -> Path:
    """Return the folder of an entry.

    Args:
        source: The source, as an absolute path.
        settings: The user's settings that determine the pixels.
        state: Everything else that determines them, including the state of the source's files.
    """
    return cache_folder() / "pictures" / _hash(f"{source}\0{settings}") / _hash(state)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]


def find_entry(folder: Path) -> CacheEntry | None:
    """Return the entry in a folder; None if it is missing or damaged."""
    try:
        digest, _, text = (folder / INDEX).read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        index = _parse_index(json.loads(text))
        size = int(np.prod(index.shape))
        for split, files in (("train", index.train_files), ("test", index.test_files)):
            if (folder / split).stat().st_size != len(files) * size:
                return None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return CacheEntry(folder, index)


def _parse_index(values: dict[str, Any]) -> CacheIndex:
    """Return an index from JSON values; lists become tuples."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    fields["skipped"] = tuple((file, reason) for file, reason in values["skipped"])
    return CacheIndex(**fields)


def write_entry(folder: Path, fill: Callable[[Path], CacheIndex]) -> CacheEntry:
    """Write an entry that replaces all other entries of its source.

    Args:
        folder: The folder of the entry, from `entry_folder`; the caller holds the lock.
        fill: Writes "train" and "test" into the folder that it receives, and returns their index. Other files that it
            leaves there are deleted.

    Returns:
        The entry.

    Raises:
        DataError: If the cache cannot be written.
    """
    root = folder.parent
    temporary = root / f"{secrets.token_hex(6)}{_TEMPORARY}"
    with _write_errors(root):
        # The lock excludes other writers: a temporary folder was left by a process that was killed.
        for abandoned in root.glob(f"*{_TEMPORARY}"):
            shutil.rmtree(abandoned, ignore_errors=True)
        temporary.mkdir()
    try:
        index = fill(temporary)
        with _write_errors(root):
            for path in temporary.iterdir():
                if path.name not in ("train", "test"):
                    path.unlink()
            text = json.dumps(asdict(index)).encode()
            digest = hashlib.sha256(text).hexdigest().encode()
            (temporary / INDEX).write_bytes(digest + b"\n" + text)
            # Mapping does not verify a checksum of the pixels: a power cut must not leave part of them.
            for path in (*temporary.iterdir(), temporary):
                sync(path)
            # A process that has an old entry mapped keeps it: its pages stay until they are unmapped.
            for old in root.iterdir():
                if old.is_dir() and old != temporary:
                    shutil.rmtree(old, ignore_errors=True)
            temporary.rename(folder)
            sync(root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return CacheEntry(folder, index)


@contextmanager
def lock_entries(folder: Path) -> Iterator[None]:
    """Keep other processes from writing an entry of the same source, after waiting for those that do.

    Args:
        folder: The folder of any entry of that source.

    Raises:
        DataError: If the cache cannot be written.
    """
    with ExitStack() as stack:
        # Only taking the lock writes to the cache: errors in the block have messages of their own.
        with _write_errors(folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder.parent / "lock"))
        yield


@contextmanager
def _write_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The cache folder {root} is not writable: {error.strerror or error}; expected a folder for decoded images."
            " Free disk space, or set the environment variable OPTOTYPE_HOME to another folder."
        ) from error
