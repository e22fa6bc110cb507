"""Opening the sealed test split: each time is written down and counted per test set, before an image is handed out.

The log, test-openings.jsonl in the folder that holds the runs, has one line an opening. It is counted by what is in
the test split, not by what it is called, and shared by every run in that folder.
"""

import fcntl
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from optotype.data.dataset import Dataset, Images, Labels, fingerprint
from optotype.errors import DataError, RunError

LOG_NAME: Final = "test-openings.jsonl"


@dataclass(frozen=True, eq=False, repr=False)
class OpenedTest:
    """A test split somebody has looked at.

    Attributes:
        images: uint8 of shape (n, height, width, channels); read-only.
        labels: int64 of shape (n,); read-only.
        opening: How many times this test set was opened, this time included.
        fingerprint: Of the images and labels.
    """

    images: Images = field(repr=False)
    labels: Labels = field(repr=False)
    opening: int
    fingerprint: str

    def __repr__(self) -> str:
        short = self.fingerprint.removeprefix("sha256:")[:6]
        return f"opening {self.opening} of test set {short}…, n = {len(self.labels):,}"


def open_test(data: Dataset, runs_root: Path | str = "runs", by: str = "python") -> OpenedTest:
    """Open the test split of a data set, and count it.

    Args:
        data: The data set.
        runs_root: The folder of the runs, where the openings are counted; made where it is missing.
        by: Who opens it, for the log.

    Returns:
        The test images and labels, and how often this test set has been opened.

    Raises:
        DataError: The files of the test split changed since the data set was loaded.
        RunError: The opening could not be written down; the split stays closed.
    """
    expected = data.test.fingerprint
    images, labels = data.test._read()  # noqa: SLF001 - this is the one function that may
    found = fingerprint(images, labels)
    if found != expected:
        raise DataError(
            f"The test split of {data.source} is now {found}, expected {expected} as when it was loaded."
            " Load the data set again (pictures with --rehash, or rehash=True in Python)."
        )
    return OpenedTest(images, labels, _count(Path(runs_root) / LOG_NAME, found, by), found)


def _count(log: Path, found: str, by: str) -> int:
    """Append an opening to the log and say the how-manieth of this test set it is."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a+b") as file:
            # Held until the file is closed, so that two openings never get the same number.
            fcntl.flock(file, fcntl.LOCK_EX)
            return _append(file, found, by)
    except OSError as error:
        raise RunError(
            f"The test split stays closed: its opening cannot be written to {log} ({error.strerror or error}),"
            " expected a folder that can be written. Name another folder for the runs."
        ) from error


def _append(file: IO[bytes], found: str, by: str) -> int:
    file.seek(0)
    lines = file.read()
    opening = 1 + sum(_is_of(line, found) for line in lines.splitlines())
    entry = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "fingerprint": found, "by": by}
    # A crash may have torn the last line; a new one must not be glued to it.
    start = "\n" if lines and not lines.endswith(b"\n") else ""
    file.write(f"{start}{json.dumps(entry)}\n".encode())
    file.flush()
    os.fsync(file.fileno())
    return opening


def _is_of(line: bytes, found: str) -> bool:
    """Tell whether a line counts an opening of a test set; a torn line was never one, as its images stayed closed."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and entry.get("fingerprint") == found
