"""The folder of corrections: images that users saved under their true labels, with one folder per class.

An image file is named after its pixels, so an image that is saved twice is stored once, under its latest label. The
folder itself is the only record: users may look into it, remove images, and move them between classes.
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

MAX_CORRECTIONS: Final = 10_000
"""Largest number of images in a folder."""
_MAX_NAME_BYTES: Final = 255
"""Bytes of a folder's name, on all common file systems."""
_NAME_DIGITS: Final = 16
"""Hexadecimal digits of a file name: two of 10,000 images share one with a probability of 1 in 10^11."""


class Corrections:
    """A folder of corrections; any number of threads and processes may save images at the same time.

    Attributes:
        folder: The absolute path of the folder.
    """

    def __init__(self, folder: str | Path, class_names: Sequence[str]) -> None:
        """Open a folder, or create it.

        Args:
            folder: The folder for the images.
            class_names: The classes of the model; corrections must belong to one of them.

        Raises:
            DataError: If the folder is a link or not a folder, is not writable, or contains files that
                `load(..., add=folder)` would reject; or a class has a name that no folder can have.
        """
        self._folders = folder_names(class_names)
        path = Path(folder)
        with _write_errors(path):
            if path.is_symlink():
                raise DataError(
                    f"{path} is a link to {path.resolve()}; expected the folder of corrections itself. Pass that path."
                )
            path.mkdir(parents=True, exist_ok=True)
            self.folder = path.resolve()
            self._check_content()  # before anything is written: a rejected folder stays unchanged
            with locked(self._lock):
                pass  # proves that the folder is writable

    def save(self, label: str, pixels: NDArray[np.uint8]) -> str:
        """Save an image under its true label; it is on the disk when this method returns.

        Args:
            label: The name of its class.
            pixels: uint8 of shape (height, width, 1 or 3), as the model receives them.

        Returns:
            Its file name relative to the folder, with "/" between class folder and name.

        Raises:
            DataError: If the class is unknown, the folder is full, or it is not writable.
        """
        if label not in self._folders:
            raise DataError(unknown_name("class", label, self._folders))
        _check_pixels(pixels)
        content = png(pixels)
        name = f"{hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()[:_NAME_DIGITS]}.png"
        with _write_errors(self.folder), locked(self._lock):
            self._write(self.folder / self._folders[label] / name, content)
        return f"{self._folders[label]}/{name}"

    def count(self) -> int:
        """Count the saved images.

        Raises:
            DataError: If the folder cannot be read.
        """
        with _write_errors(self.folder):
            folders = [self.folder / name for name in self._folders.values()]
            return sum(
                is_picture(file.name) for folder in folders if folder.is_dir() for file in folder.iterdir()
            )

    @property
    def _lock(self) -> Path:
        return self.folder / ".lock"

    def _write(self, target: Path, content: bytes) -> None:
        """Write a new image, or move a saved image from its former class."""
        if target.parent.is_symlink():
            raise DataError(
                f"{target.parent} was replaced by a link; expected a folder of corrections. Remove the link."
            )
        candidates = [self.folder / name / target.name for name in self._folders.values()]
        earlier = [path for path in candidates if path != target and path.exists()]
        if not target.parent.is_dir():
            target.parent.mkdir()
            sync(self.folder)
        if not target.exists():
            if earlier:
                earlier[0].replace(target)
                sync(target.parent)
            else:
                self._check_count()
                write_durably(target, content)
        for path in earlier:
            path.unlink(missing_ok=True)
            sync(path.parent)

    def _check_count(self) -> None:
        if (count := self.count()) >= MAX_CORRECTIONS:
            raise DataError(
                f"{self.folder} contains {count:,} corrections; expected fewer than {MAX_CORRECTIONS:,} before one is"
                " added. Train with them (--add), and collect into a new folder."
            )

    def _check_content(self) -> None:
        """Check that the folder contains only class folders: others could not be added to training images."""
        for entry in sorted(self.folder.iterdir()):
            if is_ignored(entry.name) or not (entry.is_dir() or is_picture(entry.name)):
                continue
            if entry.is_symlink() or not entry.is_dir() or class_of_folder(entry.name, self._folders) is None:
                raise DataError(
                    f"{self.folder} contains {printable(entry.name)!r}, which is not a class folder; expected an empty"
                    f" folder, or only folders of {', '.join(map(repr, list(self._folders)[:10]))} ..."
                    " Choose another folder for the corrections."
                )


def folder_names(class_names: Sequence[str]) -> dict[str, str]:
    """Return the folder name of each class.

    A class name that can be a folder name is used unchanged. Characters that folder names cannot contain are
    percent-encoded as in URLs ("/" as "%2F"), and so is "%". Names that a file system without case or Unicode forms
    would confuse are percent-encoded completely.

    Args:
        class_names: The names of all classes.

    Returns:
        The folder name of each class, in the order of the classes; `class_of_folder` is the inverse.

    Raises:
        DataError: If a name is empty, repeated, too long, or cannot be encoded in UTF-8.
    """
    folders: dict[str, str] = {}
    folded_names: set[str] = set()
    for name in class_names:
        if name in folders:
            raise DataError(f"Two classes are named {name!a}; expected distinct names. Rename one.")
        folder = _folder_name(name)
        if _folded(folder) in folded_names:
            folder = _percent_encoded(name)
        if not 0 < len(folder.encode()) <= _MAX_NAME_BYTES:
            raise DataError(
                f"The folder name of class {name!a} has {len(folder.encode())} bytes; expected 1 to {_MAX_NAME_BYTES}."
                " Rename the class, and train again."
            )
        folded_names.add(_folded(folder))
        folders[name] = folder
    return folders


def class_of_folder(folder: str, class_names: Collection[str]) -> str | None:
    """Return the class of a folder, by the folder's name.

    Args:
        folder: The name, from `folder_names` or written by a user.
        class_names: The names of all classes.

    Returns:
        The class; None if there is no class of that name.
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
            f"The class name {name!a} cannot be encoded in UTF-8; expected a valid folder name."
            " Rename the class, and train again."
        ) from None
    folder = "".join(
        character if character.isprintable() and character not in "/%" else quote(character, safe="")
        for character in name
    )
    if folder.startswith("."):
        folder = f"%2E{folder[1:]}"
    is_valid = not is_ignored(folder) and unicodedata.normalize("NFC", folder).strip() == folder
    return folder if is_valid else _percent_encoded(name)


def _percent_encoded(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


def _folded(folder: str) -> str:
    return unicodedata.normalize("NFKC", folder).casefold()


def _check_pixels(pixels: NDArray[np.uint8]) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise DataError(
            f"The correction has dtype {pixels.dtype} and shape {pixels.shape}; expected uint8 of shape"
            " (height, width, 1 or 3). Pass the pixels that the model received."
        )


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Convert errors of the operating system to a DataError."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(
            f"Corrections cannot be saved in {folder}: {reason}; expected a writable folder. Check its permissions and"
            " the disk space, or choose another folder."
        ) from error
