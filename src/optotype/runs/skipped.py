"""skipped.json: the pictures of its source that a run was trained without; only where there are some."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from optotype.data.dataset import Skipped
from optotype.runs.files import read_model, write_json

FORMAT: Final = 1
"""Version of skipped.json; a higher one is refused."""


class SkippedFile(BaseModel):
    """What skipped.json holds.

    Attributes:
        format: Version of the file.
        skipped: File and reason of each picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    skipped: tuple[Skipped, ...]


def write_skipped(path: Path, skipped: tuple[Skipped, ...]) -> None:
    """Write skipped.json, where anything was skipped; RunError where that is impossible."""
    if skipped:
        write_json(path, SkippedFile(skipped=skipped).model_dump())


def read_skipped(path: Path) -> tuple[Skipped, ...]:
    """Read skipped.json; nothing was skipped where it is missing. RunError where it is damaged."""
    return read_model(path, SkippedFile, FORMAT).skipped if path.exists() else ()
