"""wrk: as many connections as are wanted, each asking again as soon as it has been answered (a closed loop)."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reproduce.results import Frozen

_SCRIPT: Final = Path(__file__).with_suffix(".lua")
PATIENCE: Final = 30
"""Seconds after which a request counts as late."""


class Load(Frozen):
    """What came of a load.

    Attributes:
        seconds: How long it took.
        answers: How many there were of each status.
        unexplained: Of 429 and 503, how many did not say when to ask again.
        broken: Connections refused or broken.
        late: Requests that were not answered within PATIENCE.
        p50: Milliseconds within which half of the requests were answered.
        p99: The same for 99 of 100.
    """

    seconds: float
    answers: dict[int, int]
    unexplained: int
    broken: int
    late: int
    p50: float
    p99: float

    def rate(self, status: int | None = None) -> float:
        """Answers a second: all, or those of one status."""
        number = sum(self.answers.values()) if status is None else self.answers.get(status, 0)
        return number / self.seconds


def put_load(url: str, pictures: Sequence[Path], connections: int, seconds: float) -> Load:
    """Send pictures to a server for a while, by one thread.

    Args:
        url: Where they are sent, by POST.
        pictures: PNG files, sent in turn.
        connections: How many requests are open at once.
        seconds: For how long, at least 1.

    Raises:
        RuntimeError: wrk is missing, or fails; the message ends with what it said.
    """
    program = _program()
    options = [
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{max(1, round(seconds))}s",
    ]
    options += ["--timeout", f"{PATIENCE}s", "--script", str(_SCRIPT)]
    command = [program, *options, url, "--", *map(str, pictures)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"wrk cannot ask {url}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return Load.model_validate_json(lines[-1])


def version() -> str:
    """Give wrk's version."""
    # It says so with its usage, and ends as if that were an error.
    said = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=False).stdout
    return said.split()[1].removeprefix("debian/")


def _program() -> str:
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError(
            "wrk was not found, which puts the load on servers. Install it (on Debian and Ubuntu: apt-get install wrk)."
        )
    return program
