"""Processes that alternate: while one computes, all others are stopped."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.environments import Environment
from reproduce.machine import usable_cores
from reproduce.results import ROOT

Job = dict[str, Any]
Answer = dict[str, Any]

# A turn takes seconds; a process without an answer for this long counts as failed.
_ANSWER_SECONDS: Final = 900.0


class SideFailedError(Exception):
    """A process ended before it answered; the message ends with the end of its standard error."""


@dataclass(frozen=True)
class Side:
    """A library with one of its settings.

    Attributes:
        name: The name on the page; its first word is the library.
        program: The module that runs.
        environment: The virtual environment that it runs in.
        settings: Values added to the job.
        variables: Environment variables set for the process.
    """

    name: str
    program: str
    environment: Environment
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def library(self) -> str:
        """The library: "optotype", "torch", ..."""
        return self.name.split()[0]


class Child:
    """The process of a side with its job; stopped except during its turns.

    Args:
        side: The side.
        job: The job; the side's settings and the cores are added.
        folder: An empty folder for the caches of the process; removed with it.

    Raises:
        SideFailedError: By every method, where the process has ended.
    """

    def __init__(self, side: Side, job: Job, folder: Path) -> None:
        self._side, self._folder = side, folder
        # Compilation caches of earlier processes must not be found.
        caches = {name: str(folder) for name in ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")}
        self._stderr = (folder / "stderr").open("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [str(side.environment.python), "-m", side.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            cwd=ROOT,
            env={**os.environ, **caches, **side.variables},
        )
        child_job = {**job, **side.settings, "cores": usable_cores(), "folder": str(folder)}
        self._send(json.dumps(child_job))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()

    @property
    def number(self) -> int:
        """The process ID."""
        return self._process.pid

    def turn(self) -> float:
        """Run one turn; return its seconds by the process's own clock."""
        self._process.send_signal(signal.SIGCONT)
        self._send("")
        seconds = float(self._receive()["seconds"])
        # Stopped by a signal, not only waiting: idle threads would poll for work.
        self._process.send_signal(signal.SIGSTOP)
        return seconds

    def finish(self) -> Answer:
        """Run the process to its end; return its last answer."""
        self._process.send_signal(signal.SIGCONT)
        answer = self._receive()
        self._process.wait()
        return answer

    def _send(self, line: str) -> None:
        if self._process.stdin is None:
            raise SideFailedError(f"{self._side.name} was started without a pipe.")
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failed() from None

    def _receive(self) -> Answer:
        if self._process.stdout is None:
            raise SideFailedError(f"{self._side.name} was started without a pipe.")
        timer = threading.Timer(_ANSWER_SECONDS, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if not line:
            raise self._failed()
        answer: Answer = json.loads(line)
        return answer

    def _failed(self) -> SideFailedError:
        self._process.wait()
        self._stderr.seek(0)
        return SideFailedError(
            f"{self._side.name} ended with no answer: {self._stderr.read()[-1500:].strip()}"
        )


@contextmanager
def started(side: Side, job: Job) -> Iterator[Child]:
    """Start a side's process, and end it when the block is left."""
    with tempfile.TemporaryDirectory() as folder, Child(side, job, Path(folder)) as child:
        yield child


@dataclass(frozen=True)
class Turns:
    """The results of alternating turns.

    Attributes:
        seconds: Seconds of every turn after the first, by the name of the side.
        answers: The last answer of each side.
    """

    seconds: dict[str, tuple[float, ...]]
    answers: dict[str, Answer]


def take_turns(
    sides: Sequence[Side], job: Job, rounds: int, between: Callable[[], object] = lambda: None
) -> Turns:
    """Run several sides alternately: a warm-up turn each, then round after round.

    Args:
        sides: The sides, in the order of their turns.
        job: The job of all sides; "turns" is added.
        rounds: Counted turns per side.
        between: Called before every round, while all processes are stopped.

    Raises:
        SideFailedError: One of them ended before it answered.
    """
    job = {**job, "turns": rounds + 1}
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    with ExitStack() as stack:
        children = {}
        for side in sides:
            child = children[side.name] = stack.enter_context(started(side, job))
            # Each process starts and warms up alone, and is then stopped.
            child.turn()
        for _ in range(rounds):
            between()
            for name, child in children.items():
                seconds[name].append(child.turn())
        answers = {name: child.finish() for name, child in children.items()}
    return Turns({name: tuple(turns) for name, turns in seconds.items()}, answers)


def run_alone(side: Side, job: Job) -> tuple[float, Answer]:
    """Run a side from the start to the end of its process.

    Returns:
        The seconds of all of it, and its answer.

    Raises:
        SideFailedError: It ended before it answered.
    """
    start = time.perf_counter()
    with started(side, job) as child:
        answer = child.finish()
    return time.perf_counter() - start, answer
