"""How optotype knows what it wrote itself, so that it never takes that for a part of a data set.

Whoever works in the folder of a data set gets run folders and contact sheets there, beside the class folders.
"""

import os
from pathlib import Path
from typing import Final

from optotype.errors import RunError

MARK: Final = ".optotype"
"""An empty file that `optotype data` leaves beside its pictures."""
MARKS: Final = frozenset({MARK, "run.json", "test-openings.jsonl"})
"""Files that tell a folder to hold output: of `optotype data`, a run, or runs whose test images were opened."""
PICTURES: Final = frozenset({"sheet.png", "augmented.png", "loss.png", "accuracy.png"})
"""What the pictures among the output are called. Others that lie with them are not optotype's."""


def mark(folder: Path) -> None:
    """Say in a folder, which must exist, that optotype writes pictures there.

    Raises:
        OSError: The mark cannot be written.
    """
    (folder / MARK).touch()


def require_output(folder: Path) -> None:
    """Refuse a folder that nothing can or may be written to, before anything is spent on what is to go there.

    Args:
        folder: It may be missing still.

    Raises:
        RunError: It is a run's, which holds what is of that run alone; or it is no folder, or may not be written to.
    """
    try:
        is_run = (folder / "run.json").exists()
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except OSError:  # a folder that nobody may look into
        is_run, writable = False, False
    if is_run:
        raise RunError(f"{folder} is a run, expected a folder of its own for this. Name another.")
    if not writable:
        raise RunError(f"{folder} cannot be written to, expected a folder, new or not. Name another.")
