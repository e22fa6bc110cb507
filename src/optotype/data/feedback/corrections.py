"""The folder of corrections: pictures with the labels that people gave them, a folder for each class.

A picture's file is named after its pixels, so one that comes twice is kept once, and under the label that was given
last. The folder alone says what is kept: people may look into it, take pictures out, and move them between classes.
"""

import hashlib
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.encode import png
from optotype.data.sources.listing import is_ignored, is_picture
from optotype.errors import DataError, unknown_name
from optotype.storage.atomic import sync, write_durably
from optotype.storage.locks import locked
from optotype.text import printable

MOST: Final = 10_000
"""Pictures that are kept in a folder."""
_LONGEST: Final = 255
"""Bytes of a folder's name, on all common file systems."""
_DIGITS: Final = 16
"""Hexadecimal digits of a file's name: of 10,000 pictures two have the same by a chance of 1 in 10^11."""


class Corrections:
    """Corrected pictures in a folder; any number of threads and processes may keep some at once.

    Attributes:
        folder: Where they are, absolute.
    """

    def __init__(self, folder: str | Path, class_names: Sequence[str]) -> None:
        """Open a folder, or make it.

        Args:
            folder: Where pictures are to be kept.
            class_names: Of the model, and so of whatever may be kept.

        Raises:
            DataError: The folder is a link or no folder, cannot be written, or holds what `load(..., add=folder)`
                would not take; or a class has a name that no folder can have.
        """
        self._folders = folder_names(class_names)
        path = Path(folder)
        with _explained(path):
            if path.is_symlink():
                raise DataError(
                    f"{path} is a link to {path.resolve()}, expected the folder itself for corrections. Name that."
                )
            path.mkdir(parents=True, exist_ok=True)
            self.folder = path.resolve()
            self._check_content()  # before anything is written: a folder that is refused stays as it is
            with locked(self._lock):
                pass  # it can be written

    def keep(self, label: str, pixels: NDArray[np.uint8]) -> str:
        """Keep a picture under its right label; it is on the disk when this returns.

        Args:
            label: The name of its class.
            pixels: uint8 of shape (height, width, 1 or 3), as the model sees it.

        Returns:
            Its file within the folder, with "/" between folder and name.

        Raises:
            DataError: There is no such class, the folder is full, or it cannot be written.
        """
        if label not in self._folders:
            raise DataError(unknown_name("class", label, self._folders))
        _check_pixels(pixels)
        content = png(pixels)
        name = f"{hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()[:_DIGITS]}.png"
        with _explained(self.folder), locked(self._lock):
            self._put(self.folder / self._folders[label] / name, content)
        return f"{self._folders[label]}/{name}"

    def count(self) -> int:
        """Count the pictures that are kept.

        Raises:
            DataError: The folder cannot be read.
        """
        with _explained(self.folder):
            places = [self.folder / name for name in self._folders.values()]
            return sum(
                is_picture(file.name) for place in places if place.is_dir() for file in place.iterdir()
            )

    @property
    def _lock(self) -> Path:
        return self.folder / ".lock"

    def _put(self, target: Path, content: bytes) -> None:
        """Write a picture where it is new, or move it from the class that it was in."""
        if target.parent.is_symlink():
            raise DataError(
                f"{target.parent} has become a link, expected a folder of corrections. Take the link away."
            )
        found = [self.folder / name / target.name for name in self._folders.values()]
        before = [path for path in found if path != target and path.exists()]
        if not target.parent.is_dir():
            target.parent.mkdir()
            sync(self.folder)
        if not target.exists():
            if before:
                before[0].replace(target)
                sync(target.parent)
            else:
                self._check_room()
                write_durably(target, content)
        for path in before:
            path.unlink(missing_ok=True)
            sync(path.parent)

    def _check_room(self) -> None:
        if (kept := self.count()) >= MOST:
            raise DataError(
                f"{self.folder} holds {kept:,} corrections, expected fewer than {MOST:,} before one more. Train with"
                " them (--add), and collect into a new folder."
            )

    def _check_content(self) -> None:
        """Refuse a folder that is used for something else: it could not be added to training images."""
        for entry in sorted(self.folder.iterdir()):
            if is_ignored(entry.name) or not (entry.is_dir() or is_picture(entry.name)):
                continue
            if entry.is_symlink() or not entry.is_dir() or class_of(entry.name, self._folders) is None:
                raise DataError(
                    f"{self.folder} holds {printable(entry.name)!r}, which is no folder of a class, expected an empty"
                    f" folder, or one with folders of {', '.join(map(repr, list(self._folders)[:10]))} ... only."
                    " Name another for the corrections."
                )


def folder_names(class_names: Sequence[str]) -> dict[str, str]:
    """Give each class the name of its folder.

    That is its own where a folder can have it. What no folder's name can hold is written as in an address, "/" as
    "%2F", and so is "%"; so are names that would be the same to a file system that ignores case or Unicode form.

    Args:
        class_names: The names of all classes.

    Returns:
        The folder's name by the class's, in the order of the classes; `class_of` leads back.

    Raises:
        DataError: A name is empty, there twice, too long, or cannot be written in UTF-8.
    """
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for name in class_names:
        if name in folders:
            raise DataError(f"There are two classes named {name!a}, expected one. Rename one.")
        folder = _folder_name(name)
        if _alike(folder) in taken:
            folder = _spelled_out(name)
        if not 0 < len(folder.encode()) <= _LONGEST:
            raise DataError(
                f"The class {name!a} would have a folder with a name of {len(folder.encode())} bytes, expected 1 to"
                f" {_LONGEST}. Rename the class, and train again."
            )
        taken.add(_alike(folder))
        folders[name] = folder
    return folders


def class_of(folder: str, class_names: Collection[str]) -> str | None:
    """Tell which class a folder is of, by its name.

    Args:
        folder: The name, as `folder_names` gave it or as a person wrote it.
        class_names: The names of all classes.

    Returns:
        The class; None where there is none of that name.
    """
    try:
        decoded = unquote(folder, errors="strict")
    except UnicodeDecodeError:
        decoded = folder
    composed = (unicodedata.normalize("NFC", name) for name in (decoded, folder))
    return next((name for name in (decoded, *composed) if name in class_names), None)


def _folder_name(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"The class {name!a} has characters that cannot be written in UTF-8, expected a name that can be a"
            " folder's. Rename the class, and train again."
        ) from None
    folder = "".join(
        each if each.isprintable() and each not in "/%" else quote(each, safe="") for each in name
    )
    if folder.startswith("."):
        folder = f"%2E{folder[1:]}"
    plain = not is_ignored(folder) and unicodedata.normalize("NFC", folder).strip() == folder
    return folder if plain else _spelled_out(name)


def _spelled_out(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


def _alike(folder: str) -> str:
    return unicodedata.normalize("NFKC", folder).casefold()


def _check_pixels(pixels: NDArray[np.uint8]) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise DataError(
            f"A picture to keep has dtype {pixels.dtype} and shape {pixels.shape}, expected uint8 of shape"
            " (height, width, 1 or 3). Give it as the model sees it."
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a DataError."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(
            f"Corrections cannot be kept in {folder}: {reason}, expected a folder that can be written. Check its"
            " rights and the room on the disk, or name another."
        ) from error
