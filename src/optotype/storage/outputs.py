"""Markers of optotype's own output, so that it is never read as part of a data set.

Users who work in a data set's folder get run folders and contact sheets there, beside the class folders.
"""

import os
from pathlib import Path
from typing import Final

from optotype.errors import RunError

MARKER: Final = ".optotype"
"""An empty file that `optotype data` leaves beside the images it writes."""
MARKERS: Final = frozenset({MARKER, "run.json", "test-openings.jsonl"})
"""Files that mark a folder as output: of `optotype data`, of a run, or of runs whose test set was opened."""
OUTPUT_IMAGES: Final = frozenset({"sheet.png", "augmented.png", "loss.png", "accuracy.png"})
"""Names of the image files that optotype writes. Other image files beside them belong to the user."""


def mark_output(folder: Path) -> None:
    """Mark an existing folder as one that optotype writes image files to.

    Raises:
        OSError: If the marker cannot be written.
    """
    (folder / MARKER).touch()


def check_output_folder(folder: Path) -> None:
    """Check that output can be written to a folder, before any time is spent on computing it.

    Args:
        folder: The folder; it may not exist yet.

    Raises:
        RunError: If the folder is a run folder, which holds only files of that run; or if it is not a folder, or not
            writable.
    """
    try:
        is_run = (folder / "run.json").exists()
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        is_writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    except OSError:  # a folder without read permission
        is_run, is_writable = False, False
    if is_run:
        raise RunError(
            f"{folder} is a run folder; expected a separate folder for this output. Choose another."
        )
    if not is_writable:
        raise RunError(
            f"{folder} is not writable; expected a new or existing writable folder. Choose another."
        )
