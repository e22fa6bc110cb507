"""The image files of a folder, found without opening one of them.

Symbolic links are not trusted. A link to a file inside the folder is followed. Any other link (to a folder, out of the
folder, or broken) counts as an unusable file. So there are no loops, and nothing outside of the folder is read. Files
that optotype itself wrote into the folder are left out.
"""

import hashlib
import os
import stat
from pathlib import Path

from optotype.data.dataset import Skipped
from optotype.data.pictures.location import FileLocation
from optotype.data.sources.listing import SourceScan, is_ignored, is_picture, listing_from_folders
from optotype.errors import DataError
from optotype.storage.outputs import MARKERS, OUTPUT_IMAGES


class _FolderWalk:
    """The image files, folders and unusable files of a folder, as far as it was walked."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.locations: list[FileLocation] = []
        self.folders: list[str] = []
        self.skipped: list[Skipped] = []
        self.signatures: dict[str, str] = {}
        self._marked: set[str] = set()

    def walk(self) -> None:
        """Visit every folder, without recursion: nesting may be deep."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(f"{self.root}/{folder}") as entries:
                    waiting += [name for entry in entries if (name := self._visit(entry, folder))]
            except OSError as error:
                if not folder:
                    raise
                self.skipped.append(Skipped(folder.rstrip("/"), f"cannot be read: {error.strerror}"))
        self._remove_output()

    def _remove_output(self) -> None:
        """Remove the files that optotype wrote, and the folders that contain nothing else."""
        if not self._marked:
            return
        self.locations = [location for location in self.locations if not self._is_output(location.file)]
        output = {parent for folder in self._marked for parent in _with_parents(folder)}
        used = {_folder(location.file) for location in self.locations}
        output -= {parent for folder in used for parent in _with_parents(folder)}
        self.folders = [folder for folder in self.folders if folder not in output]

    def _is_output(self, file: str) -> bool:
        return file.rpartition("/")[2] in OUTPUT_IMAGES and _folder(file) in self._marked

    def _visit(self, entry: os.DirEntry[str], folder: str) -> str:
        """Record an entry; return the name of a folder that is to be visited, else an empty string."""
        if entry.name in MARKERS:
            self._marked.add(folder.rstrip("/"))
        if is_ignored(entry.name):
            return ""
        file = f"{folder}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            self.folders.append(file)
            return f"{file}/"
        if entry.is_symlink() and (reason := self._link_fault(entry)):
            self.skipped.append(Skipped(file, reason))
        elif is_picture(entry.name):
            self._add(entry, file)
        return ""

    def _add(self, entry: os.DirEntry[str], file: str) -> None:
        try:
            status = entry.stat()
        except OSError as error:
            self.skipped.append(Skipped(file, f"cannot be read: {error.strerror}"))
            return
        if stat.S_ISREG(status.st_mode):
            self.locations.append(FileLocation(file, entry.path))
            self.signatures[file] = f"{file}\0{status.st_size}\0{status.st_mtime_ns}"
        else:
            self.skipped.append(Skipped(file, "is not a regular file"))

    def _link_fault(self, entry: os.DirEntry[str]) -> str:
        # These texts are part of the source's signature: another wording would decode cached sources again.
        try:
            target = os.path.realpath(entry.path, strict=True)
        except OSError as error:
            return f"is a link that leads nowhere ({error.strerror})"
        if os.path.isdir(target):  # noqa: PTH112 - a Path for every link would be slow
            return "is a link to a folder, which is not followed"
        return "" if target.startswith(f"{self.root}/") else "is a link out of the folder"


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def _with_parents(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def find_pictures(path: Path) -> tuple[list[FileLocation], list[Skipped]]:
    """List the image files of a folder and all its subfolders of any name, and the unusable files.

    Args:
        path: The folder; the returned names begin with it.

    Returns:
        The image files and the unusable files, each sorted by name.

    Raises:
        DataError: If the folder cannot be read.
    """
    walk = _walk(path)
    locations = [location._replace(file=str(path / location.file)) for location in sorted(walk.locations)]
    skipped = [Skipped(str(path / each.file), each.reason) for each in walk.skipped]
    return locations, skipped


def _walk(path: Path) -> _FolderWalk:
    """Walk through a folder; raise DataError if it cannot be read."""
    walk = _FolderWalk(os.path.realpath(path))
    try:
        walk.walk()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; expected a readable folder. Check its permissions."
        ) from error
    walk.skipped.sort(key=lambda skipped: skipped.file)
    return walk


def scan_folder(path: Path) -> SourceScan:
    """Scan a folder of class folders, or of train/, test/ and val/ with class folders inside.

    Args:
        path: The folder.

    Raises:
        DataError: If the folder cannot be read.
    """
    walk = _walk(path)
    locations = sorted(walk.locations)
    lines = [
        *(walk.signatures[location.file] for location in locations),
        *sorted(walk.folders),
        *map(repr, walk.skipped),
    ]
    signature = hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()
    return SourceScan(
        signature,
        [location.path for location in locations],
        lambda *_: listing_from_folders(str(path), walk.locations, walk.folders, walk.skipped),
    )
