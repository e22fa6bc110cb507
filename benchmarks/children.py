"""Processes that take turns: while one computes, all others are stopped."""

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

# A turn takes seconds; a process that is silent for so long will not answer any more.
_PATIENCE: Final = 900.0


class SideFailedError(Exception):
    """A side's process ended before it answered; the message ends with what it said last."""


@dataclass(frozen=True)
class Side:
    """A library with one of its settings.

    Attributes:
        name: What the page calls it; its first word is the library.
        program: The module that is run.
        environment: Where it is run.
        settings: What is added to the job.
        variables: Environment variables that are set for it.
    """

    name: str
    program: str
    environment: Environment
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def library(self) -> str:
        """Whose it is: "optotype", "torch", ..."""
        return self.name.split()[0]


class Child:
    """A side's process, given its job; stopped except while it is asked something.

    Args:
        side: Which.
        job: What to do; the side's settings and the cores are added to it.
        folder: Empty, and gone when the process is: what it caches goes there.

    Raises:
        SideFailedError: By every method, where the process has ended.
    """

    def __init__(self, side: Side, job: Job, folder: Path) -> None:
        self._side, self._folder = side, folder
        # Whatever was compiled before must not be found again.
        caches = {name: str(folder) for name in ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")}
        self._said = (folder / "said").open("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [str(side.environment.python), "-m", side.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            cwd=ROOT,
            env={**os.environ, **caches, **side.variables},
        )
        order = {**job, **side.settings, "cores": usable_cores(), "folder": str(folder)}
        self._send(json.dumps(order))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    @property
    def number(self) -> int:
        """The process's number."""
        return self._process.pid

    def turn(self) -> float:
        """Let it do one turn; gives the seconds it took by its own clock."""
        self._process.send_signal(signal.SIGCONT)
        self._send("")
        seconds = float(self._receive()["seconds"])
        # Stopped, not only waiting: idle threads go on looking for work.
        self._process.send_signal(signal.SIGSTOP)
        return seconds

    def finish(self) -> Answer:
        """Let it run to its end; gives its last answer."""
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
        timer = threading.Timer(_PATIENCE, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if not line:
            raise self._failed()
        answer: Answer = json.loads(line)
        return answer

    def _failed(self) -> SideFailedError:
        self._process.wait()
        self._said.seek(0)
        return SideFailedError(f"{self._side.name} ended with no answer: {self._said.read()[-1500:].strip()}")


@contextmanager
def started(side: Side, job: Job) -> Iterator[Child]:
    """Start a side's process, and end it in any case."""
    with tempfile.TemporaryDirectory() as folder, Child(side, job, Path(folder)) as child:
        yield child


@dataclass(frozen=True)
class Taken:
    """What turns gave.

    Attributes:
        seconds: Of every turn after the first, for each side by name.
        answers: Each side's last answer.
    """

    seconds: dict[str, tuple[float, ...]]
    answers: dict[str, Answer]


def take_turns(
    sides: Sequence[Side], job: Job, rounds: int, between: Callable[[], object] = lambda: None
) -> Taken:
    """Run several sides in one sitting: a turn each to warm up, then round after round.

    Args:
        sides: Who takes turns, in this order.
        job: What all of them do; "turns" is added to it.
        rounds: Counted turns of each.
        between: Called before every round, while all are stopped.

    Raises:
        SideFailedError: One of them ended before it answered.
    """
    job = {**job, "turns": rounds + 1}
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    with ExitStack() as stack:
        children = {}
        for side in sides:
            child = children[side.name] = stack.enter_context(started(side, job))
            # Each starts and warms up alone, and is stopped after it.
            child.turn()
        for _ in range(rounds):
            between()
            for name, child in children.items():
                seconds[name].append(child.turn())
        answers = {name: child.finish() for name, child in children.items()}
    return Taken({name: tuple(each) for name, each in seconds.items()}, answers)


def run_alone(side: Side, job: Job) -> tuple[float, Answer]:
    """Run a side from the start of its process to the end.

    Returns:
        The seconds of all of it, and its answer.

    Raises:
        SideFailedError: It ended before it answered.
    """
    began = time.perf_counter()
    with started(side, job) as child:
        answer = child.finish()
    return time.perf_counter() - began, answer
