"""Decoded pictures, kept between processes: uint8 pixels that are mapped, not read, and an index of what they are.

A source with its size has a folder, in which each state of the source is a generation: a folder named after the hash of
everything that decides the pixels. A generation is made under a temporary name and renamed when it is whole, so what is
there is complete; the generations before it are then removed. One process at a time makes one.
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
class Index:
    """What a generation holds beside its pixels, which are in the files "train" and "test".

    Attributes:
        shape: Of an image: (height, width, channels).
        class_names: Of all classes.
        train_files: The name of each training image, those for validation last.
        train_labels: Its class.
        train_heights: The height of its picture before it was brought to the shape.
        train_widths: The width.
        validation: How many training images are for validation.
        test_files: The name of each test image.
        test_labels: Its class.
        skipped: File and reason of each picture that could not be used.
        fingerprint: Of the data set.
        test_fingerprint: Of its test split.
        content: Hash of the source's files; None where it was not asked for.
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
class Generation:
    """A state of a source, decoded.

    Attributes:
        folder: Where it is.
        index: What it holds.
    """

    folder: Path
    index: Index

    def images(self, split: str) -> Images:
        """Map the images of "train" or "test": uint8 of shape (n, height, width, channels), read-only.

        Raises:
            DataError: They are gone, since the source was decoded again.
        """
        n = len(self.index.train_files if split == "train" else self.index.test_files)
        return map_images(self.folder / split, n, self.index.shape)


def map_images(path: Path, n: int, shape: tuple[int, int, int]) -> Images:
    """Map a file of pixels, read-only."""
    try:
        return np.memmap(path, np.uint8, "r", shape=(n, *shape)).view(np.ndarray)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The decoded pictures in {path} are gone or torn ({error}), expected them as they were decoded."
            " Load the data set again."
        ) from error


def kept(source: str, settings: str, stamp: str) -> Path:
    """Name the folder of a generation.

    Args:
        source: The source, as an absolute path.
        settings: What else decides the pixels and is the user's choice.
        stamp: What else decides them, and the state of the source.
    """
    return cache_folder() / "pictures" / _hash(f"{source}\0{settings}") / _hash(stamp)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]


def find(folder: Path) -> Generation | None:
    """Look for a generation; a damaged one counts as none."""
    try:
        digest, _, text = (folder / INDEX).read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        index = _index(json.loads(text))
        size = int(np.prod(index.shape))
        for split, files in (("train", index.train_files), ("test", index.test_files)):
            if (folder / split).stat().st_size != len(files) * size:
                return None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Generation(folder, index)


def _index(values: dict[str, Any]) -> Index:
    """Make an index of JSON, whose lists become tuples again."""
    lists: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    lists["skipped"] = tuple((file, reason) for file, reason in values["skipped"])
    return Index(**lists)


def make(folder: Path, fill: Callable[[Path], Index]) -> Generation:
    """Make a generation in place of all others of its source.

    Args:
        folder: Where it is to be, as `kept` named it; the caller holds the lock.
        fill: Writes "train" and "test" into the folder that it is given, and says what they are; whatever else it
            leaves there is removed.

    Returns:
        The generation.

    Raises:
        DataError: The cache cannot be written.
    """
    root = folder.parent
    temporary = root / f"{secrets.token_hex(6)}{_TEMPORARY}"
    with _writing(root):
        # Nobody else makes one now: what is unfinished was left by a process that was killed.
        for left in root.glob(f"*{_TEMPORARY}"):
            shutil.rmtree(left, ignore_errors=True)
        temporary.mkdir()
    try:
        index = fill(temporary)
        with _writing(root):
            for other in temporary.iterdir():
                if other.name not in ("train", "test"):
                    other.unlink()
            text = json.dumps(asdict(index)).encode()
            digest = hashlib.sha256(text).hexdigest().encode()
            (temporary / INDEX).write_bytes(digest + b"\n" + text)
            # The pixels are not summed when they are mapped: after a power cut they must not be there in part.
            for file in (*temporary.iterdir(), temporary):
                sync(file)
            # Whoever has an old one mapped keeps it: its pages stay until they are let go.
            for old in root.iterdir():
                if old.is_dir() and old != temporary:
                    shutil.rmtree(old, ignore_errors=True)
            temporary.rename(folder)
            sync(root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Generation(folder, index)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from making a generation of the same source; waits until those that do are done.

    Args:
        folder: Of a generation of that source.

    Raises:
        DataError: The cache cannot be written.
    """
    with ExitStack() as held:
        # Only taking the lock is writing: what fails in the block has words of its own.
        with _writing(folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(folder.parent / "lock"))
        yield


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The cache {root} cannot be written: {error.strerror or error}, expected a folder for decoded pictures."
            " Free some room, or name another folder by the environment variable OPTOTYPE_HOME."
        ) from error
