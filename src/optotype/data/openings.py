"""The log of openings of sealed test sets.

The log, test-openings.jsonl in the folder of the runs, has one line per opening. Openings are counted by the content
of the test split, not by its name, and all runs in that folder share the log. Reading it opens no test split;
`optotype.data.sealed` does.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from optotype.errors import RunError
from optotype.storage.locks import locked

LOG_NAME: Final = "test-openings.jsonl"
LOCK_NAME: Final = ".test-openings.lock"


@dataclass(frozen=True)
class Opening:
    """One opening of a test set.

    Attributes:
        time: UTC in ISO 8601.
        by: The program or command that opened it.
    """

    time: str
    by: str


def read_openings(fingerprint: str, runs_root: Path | str = "runs") -> tuple[Opening, ...]:
    """Return the openings of a test set that are logged in a folder, without opening it.

    Args:
        fingerprint: Fingerprint of the test set.
        runs_root: The folder of the runs.

    Raises:
        RunError: If the log exists but cannot be read.
    """
    log = Path(runs_root) / LOG_NAME
    try:
        return _parse(log.read_bytes(), fingerprint) if log.exists() else ()
    except OSError as error:
        raise RunError(
            f"The log of test openings {log} cannot be read ({error.strerror or error}); expected a file that optotype"
            " wrote. Check its permissions."
        ) from None


def record_opening(fingerprint: str, runs_root: Path | str, by: str) -> tuple[Opening, ...]:
    """Append an opening of a test set to the log; it is on the disk when this function returns.

    Args:
        fingerprint: Fingerprint of the test set.
        runs_root: The folder of the runs; it is created if missing.
        by: The program or command that opens it.

    Returns:
        All openings of this test set in the log, the new one last.

    Raises:
        RunError: If the opening cannot be written.
    """
    log = Path(runs_root) / LOG_NAME
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        # The lock keeps two openings from getting the same number.
        with locked(log.with_name(LOCK_NAME)):
            return _append(log, fingerprint, by)
    except OSError as error:
        raise RunError(
            f"The test split stays sealed: its opening cannot be written to {log} ({error.strerror or error});"
            " expected a writable folder. Choose another folder for the runs."
        ) from error


def _append(log: Path, fingerprint: str, by: str) -> tuple[Opening, ...]:
    with log.open("a+b") as file:
        file.seek(0)
        lines = file.read()
        earlier = _parse(lines, fingerprint)
        opening = Opening(datetime.now(UTC).isoformat(timespec="seconds"), by)
        # A crash may have cut the last line short; the new line must not be appended to it.
        separator = "\n" if lines and not lines.endswith(b"\n") else ""
        entry = {"time": opening.time, "fingerprint": fingerprint, "by": opening.by}
        file.write(f"{separator}{json.dumps(entry)}\n".encode())
        file.flush()
        os.fsync(file.fileno())
        return (*earlier, opening)


def _parse(lines: bytes, fingerprint: str) -> tuple[Opening, ...]:
    return tuple(opening for line in lines.splitlines() if (opening := _parse_line(line, fingerprint)))


def _parse_line(line: bytes, fingerprint: str) -> Opening | None:
    """Return the opening in a line; None for another test set, or a line cut short, whose images stayed sealed."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("fingerprint") != fingerprint:
        return None
    return Opening(str(entry.get("time", "")), str(entry.get("by", "")))
