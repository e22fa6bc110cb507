"""skipped.json: the unreadable image files that a run was trained without; it exists only if there are any."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from optotype.data.dataset import Skipped
from optotype.runs.files import read_versioned, write_json

FORMAT: Final = 1
"""Version of skipped.json; a higher one is refused."""


class SkippedFile(BaseModel):
    """The content of skipped.json.

    Attributes:
        format: Version of the file.
        skipped: File and reason of each skipped image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    skipped: tuple[Skipped, ...]


def write_skipped(path: Path, skipped: tuple[Skipped, ...]) -> None:
    """Write skipped.json if any image was skipped; RunError if that fails."""
    if skipped:
        write_json(path, SkippedFile(skipped=skipped).model_dump())


def read_skipped(path: Path) -> tuple[Skipped, ...]:
    """Read skipped.json; a missing file means that nothing was skipped. RunError if it is damaged."""
    return read_versioned(path, SkippedFile, FORMAT).skipped if path.exists() else ()
