"""A folder of pictures, seen without opening one of them.

Links are not to be trusted: one to a file inside the folder is read, and any other one (to a folder, out of the folder,
to nothing) is a bad file, so there are no loops to run into and nothing outside is read. What optotype wrote into the
folder itself is no part of it.
"""

import hashlib
import os
import stat
from pathlib import Path

from optotype.data.dataset import Skipped
from optotype.data.sources.listing import Found, Survey, arrange, is_ignored, is_picture
from optotype.errors import DataError
from optotype.storage.outputs import MARKS, PICTURES


class _Scan:
    """What a folder holds, as far as it is walked through."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.found: list[Found] = []
        self.folders: list[str] = []
        self.bad: list[Skipped] = []
        self.stamps: dict[str, str] = {}
        self._marked: set[str] = set()

    def walk(self) -> None:
        """Visit every folder, without recursion: nesting may be deep."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(f"{self.root}/{folder}") as entries:
                    waiting += [name for entry in entries if (name := self._see(entry, folder))]
            except OSError as error:
                if not folder:
                    raise
                self.bad.append(Skipped(folder.rstrip("/"), f"cannot be read: {error.strerror}"))
        self._forget_output()

    def _forget_output(self) -> None:
        """Leave out what optotype wrote, and the folders that hold nothing else."""
        if not self._marked:
            return
        self.found = [each for each in self.found if not self._is_output(each.file)]
        output = {above for folder in self._marked for above in _with_those_above(folder)}
        used = {_folder(each.file) for each in self.found}
        output -= {above for folder in used for above in _with_those_above(folder)}
        self.folders = [folder for folder in self.folders if folder not in output]

    def _is_output(self, file: str) -> bool:
        return file.rpartition("/")[2] in PICTURES and _folder(file) in self._marked

    def _see(self, entry: os.DirEntry[str], folder: str) -> str:
        """Take note of an entry, and give the name of a folder that is to be visited."""
        if entry.name in MARKS:
            self._marked.add(folder.rstrip("/"))
        if is_ignored(entry.name):
            return ""
        file = f"{folder}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            self.folders.append(file)
            return f"{file}/"
        if entry.is_symlink() and (reason := self._fault_of_link(entry)):
            self.bad.append(Skipped(file, reason))
        elif is_picture(entry.name):
            self._take(entry, file)
        return ""

    def _take(self, entry: os.DirEntry[str], file: str) -> None:
        try:
            status = entry.stat()
        except OSError as error:
            self.bad.append(Skipped(file, f"cannot be read: {error.strerror}"))
            return
        if stat.S_ISREG(status.st_mode):
            self.found.append(Found(file, entry.path))
            self.stamps[file] = f"{file}\0{status.st_size}\0{status.st_mtime_ns}"
        else:
            self.bad.append(Skipped(file, "is not a regular file"))

    def _fault_of_link(self, entry: os.DirEntry[str]) -> str:
        try:
            target = os.path.realpath(entry.path, strict=True)
        except OSError as error:
            return f"is a link that leads nowhere ({error.strerror})"
        if os.path.isdir(target):  # noqa: PTH112 - a Path for every link would be slow
            return "is a link to a folder, which is not followed"
        return "" if target.startswith(f"{self.root}/") else "is a link out of the folder"


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def _with_those_above(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def pictures_in(path: Path) -> tuple[list[Found], list[Skipped]]:
    """List the pictures of a folder and all folders inside, whatever these are called, sorted; and what is unusable.

    Args:
        path: The folder; names are given with it in front.

    Raises:
        DataError: It cannot be read.
    """
    scan = _scan(path)
    found = [each._replace(file=str(path / each.file)) for each in sorted(scan.found)]
    bad = [Skipped(str(path / each.file), each.reason) for each in scan.bad]
    return found, bad


def _scan(path: Path) -> _Scan:
    """Walk through a folder; DataError where it cannot be read."""
    scan = _Scan(os.path.realpath(path))
    try:
        scan.walk()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Check the folder and its rights."
        ) from error
    scan.bad.sort(key=lambda skipped: skipped.file)
    return scan


def survey_folder(path: Path) -> Survey:
    """Look at a folder of class folders, or of train/, test/ and val/ with class folders inside.

    Args:
        path: The folder.

    Raises:
        DataError: It cannot be read.
    """
    scan = _scan(path)
    files = sorted(scan.found)
    seen = [*(scan.stamps[each.file] for each in files), *sorted(scan.folders), *map(repr, scan.bad)]
    stamp = hashlib.sha256("\n".join(seen).encode(errors="surrogateescape")).hexdigest()
    return Survey(
        stamp,
        [each.path for each in files],
        lambda *_: arrange(str(path), scan.found, scan.folders, scan.bad),
    )
