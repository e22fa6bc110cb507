"""How optotype knows what it wrote itself, so that it never takes that for a part of a data set.

Whoever works in the folder of a data set gets run folders and contact sheets there, beside the class folders.
"""

from pathlib import Path
from typing import Final

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
