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


@dataclass(frozen=True)
class Opening:
    """A time that a test set was looked at.

    Attributes:
        time: UTC in ISO 8601.
        by: Who did.
    """

    time: str
    by: str


@dataclass(frozen=True, eq=False, repr=False)
class OpenedTest:
    """A test split somebody has looked at.

    Attributes:
        images: uint8 of shape (n, height, width, channels); read-only.
        labels: int64 of shape (n,); read-only.
        openings: Every opening of this test set that was counted in the folder, this one last.
        fingerprint: Of the images and labels.
    """

    images: Images = field(repr=False)
    labels: Labels = field(repr=False)
    openings: tuple[Opening, ...]
    fingerprint: str

    @property
    def opening(self) -> int:
        """How many times this test set was opened, this time included."""
        return len(self.openings)

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


def openings_of(fingerprint: str, runs_root: Path | str = "runs") -> tuple[Opening, ...]:
    """List the openings of a test set that were counted in a folder, without opening it.

    Args:
        fingerprint: Of the test set.
        runs_root: The folder of the runs.

    Raises:
        RunError: The log of the openings is there, but cannot be read.
    """
    log = Path(runs_root) / LOG_NAME
    try:
        return _openings_in(log.read_bytes(), fingerprint) if log.exists() else ()
    except OSError as error:
        raise RunError(
            f"The openings of test sets cannot be read from {log} ({error.strerror or error}), expected a file that"
            " optotype wrote. Check its permissions."
        ) from None


def _count(log: Path, found: str, by: str) -> tuple[Opening, ...]:
    """Append an opening to the log, and list it after the earlier ones of this test set."""
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


def _append(file: IO[bytes], found: str, by: str) -> tuple[Opening, ...]:
    file.seek(0)
    lines = file.read()
    earlier = _openings_in(lines, found)
    opening = Opening(datetime.now(UTC).isoformat(timespec="seconds"), by)
    # A crash may have torn the last line; a new one must not be glued to it.
    start = "\n" if lines and not lines.endswith(b"\n") else ""
    entry = {"time": opening.time, "fingerprint": found, "by": opening.by}
    file.write(f"{start}{json.dumps(entry)}\n".encode())
    file.flush()
    os.fsync(file.fileno())
    return (*earlier, opening)


def _openings_in(lines: bytes, found: str) -> tuple[Opening, ...]:
    return tuple(opening for line in lines.splitlines() if (opening := _opening_of(line, found)))


def _opening_of(line: bytes, found: str) -> Opening | None:
    """Read a line that counts an opening of a test set; a torn line was never one, as its images stayed closed."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("fingerprint") != found:
        return None
    return Opening(str(entry.get("time", "")), str(entry.get("by", "")))
