"""Which pictures are meant: files, folders with all that is in them, and patterns that no shell has expanded."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from optotype.data.dataset import Skipped
from optotype.data.sources.folders import pictures_in
from optotype.data.sources.listing import Found
from optotype.errors import DataError


def resolve_inputs(places: Iterable[str]) -> tuple[list[Found], list[Skipped]]:
    """List the pictures that are meant, without opening one.

    Args:
        places: Each a file, whatever it is called; a folder, of which every picture in it and below is meant, but
            for hidden ones and what optotype wrote there; or a pattern of such names, with `**` for any folders.

    Returns:
        The pictures in the order of the places, sorted within each folder or pattern; and what cannot be used, as
        far as that is known from outside.
    """
    found: list[Found] = []
    bad: list[Skipped] = []
    for place in places:
        names = [place]
        if not os.path.lexists(place) and glob.has_magic(place):
            names = sorted(glob.glob(place, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
            if "**" in place:  # which matches the files in folders as well as the folders
                names = [name for name in names if not os.path.isdir(name)]  # noqa: PTH112 - as below
            if not names:
                bad.append(Skipped(place, "matches no file"))
        for name in names:
            if not os.path.isdir(name):  # noqa: PTH112 - a Path for every picture would be slow
                found.append(Found(name, name))
                continue
            _add_folder(name, found, bad)
    return found, bad


def _add_folder(name: str, found: list[Found], bad: list[Skipped]) -> None:
    try:
        pictures, faulty = pictures_in(Path(name))
    except DataError as error:
        bad.append(Skipped(name, str(error)))
        return
    found += pictures
    bad += faulty if pictures or faulty else [Skipped(name, "is a folder without a picture")]
