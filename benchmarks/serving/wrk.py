"""wrk, a closed-loop load generator: each connection sends the next request after the response to the last one."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reproduce.results import Frozen

_SCRIPT: Final = Path(__file__).with_suffix(".lua")
TIMEOUT_SECONDS: Final = 30
"""Time after which a request counts as timed out."""


class LoadResult(Frozen):
    """Result of a load.

    Attributes:
        seconds: Duration.
        responses: Number of responses of each status.
        without_retry_after: Responses 429 and 503 without a Retry-After header.
        broken: Failed or broken connections.
        timed_out: Requests without a response within `TIMEOUT_SECONDS`.
        p50: Median response time in milliseconds.
        p99: 99th percentile of the response time in milliseconds.
    """

    seconds: float
    responses: dict[int, int]
    without_retry_after: int
    broken: int
    timed_out: int
    p50: float
    p99: float

    def rate(self, status: int | None = None) -> float:
        """Return responses per second: all, or those of one status."""
        count = sum(self.responses.values()) if status is None else self.responses.get(status, 0)
        return count / self.seconds


def run_wrk(url: str, images: Sequence[Path], connections: int, seconds: float) -> LoadResult:
    """Send images to a server from one thread.

    Args:
        url: The URL of the POST requests.
        images: PNG files, sent in turn.
        connections: Number of connections.
        seconds: Duration, at least 1.

    Raises:
        RuntimeError: If wrk is missing or fails; the message ends with its output.
    """
    program = _find_wrk()
    options = [
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{max(1, round(seconds))}s",
    ]
    options += ["--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(_SCRIPT)]
    command = [program, *options, url, "--", *map(str, images)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = result.stdout.splitlines()
    if result.returncode or not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"wrk failed for {url}: {result.stdout[-500:]}{result.stderr[-500:]}")
    return LoadResult.model_validate_json(lines[-1])


def version() -> str:
    """Return the version of wrk."""
    # wrk prints its version with its usage, and ends with an error code.
    output = subprocess.run([_find_wrk(), "-v"], capture_output=True, text=True, check=False).stdout
    return output.split()[1].removeprefix("debian/")


def _find_wrk() -> str:
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError(
            "The load generator wrk was not found. Install it (on Debian and Ubuntu: apt-get install wrk)."
        )
    return program
