"""Resolution of image arguments: files, folders with everything in them, and glob patterns."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from optotype.data.dataset import Skipped
from optotype.data.pictures.location import FileLocation
from optotype.data.sources.folders import find_pictures
from optotype.errors import DataError


def resolve_inputs(arguments: Iterable[str]) -> tuple[list[FileLocation], list[Skipped]]:
    """List the image files that arguments stand for, without opening one.

    Args:
        arguments: Each is a file of any name; a folder, for every image file in it and below, except hidden files and
            files that optotype wrote there; or a glob pattern, in which `**` matches any number of folders.

    Returns:
        The image files in the order of the arguments, sorted within each folder or pattern; and the unusable ones, as
        far as this is known without opening them.
    """
    locations: list[FileLocation] = []
    skipped: list[Skipped] = []
    for argument in arguments:
        names = [argument]
        if not os.path.lexists(argument) and glob.has_magic(argument):
            names = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
            if "**" in argument:  # which matches the files in folders as well as the folders
                names = [name for name in names if not os.path.isdir(name)]  # noqa: PTH112 - as below
            if not names:
                skipped.append(Skipped(argument, "matches no file"))
        for name in names:
            if not os.path.isdir(name):  # noqa: PTH112 - a Path for every image file would be slow
                locations.append(FileLocation(name, name))
                continue
            _add_folder(name, locations, skipped)
    return locations, skipped


def _add_folder(name: str, locations: list[FileLocation], skipped: list[Skipped]) -> None:
    try:
        found, unusable = find_pictures(Path(name))
    except DataError as error:
        skipped.append(Skipped(name, str(error)))
        return
    locations += found
    skipped += unusable if found or unusable else [Skipped(name, "is a folder without an image file")]
