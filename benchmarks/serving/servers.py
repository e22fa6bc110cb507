"""Servers, each with all of its processes: started until they answer, stopped while another has its turn, ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from benchmarks.environments import SERVERS
from reproduce.results import ROOT

_STARTING: Final = 120.0


class ServerFailedError(Exception):
    """A server ended, or did not answer in time; the message ends with what it said last."""


@dataclass(frozen=True)
class Program:
    """A server to be started: it prints one line of JSON with its "address".

    Attributes:
        name: What the page calls it; its first word is the library.
        command: What is run.
        path: Where it takes pictures.
        prepares: Whether it still prepares something once it answers.
    """

    name: str
    command: tuple[str, ...]
    path: str = "/predict"
    prepares: bool = False

    @property
    def library(self) -> str:
        """Whose it is: "optotype", "litserve", ..."""
        return self.name.split()[0]


def ours(run: Path) -> Program:
    """Give `optotype serve` of a run."""
    optotype = Path(sys.executable).with_name("optotype")
    command = (str(optotype), "serve", str(run), "--json", "--port", "0")
    return Program("optotype", command, "/v1/predict", prepares=True)


def peers(model: Path) -> tuple[Program, ...]:
    """List the other servers of a network, with every setting that might be their fastest.

    Args:
        model: The network as ONNX.
    """
    settings: dict[str, dict[str, Any]] = {
        "litserve": {"wait": 0.005},
        "litserve fast queue": {"wait": 0.005, "fast_queue": True},
        "litserve without waiting": {"wait": 0.0},
        "fastapi in the loop": {"threads": False},
        "fastapi in threads": {"threads": True},
    }
    python = str(SERVERS.python)
    return tuple(
        Program(name, (python, "-m", f"benchmarks.sides.{name.split()[0]}", str(model), json.dumps(given)))
        for name, given in settings.items()
    )


class Server:
    """A server that answers.

    Attributes:
        url: Where it takes pictures.
        about: The line that it printed.
    """

    def __init__(self, process: subprocess.Popen[bytes], about: dict[str, Any], path: str) -> None:
        self._process = process
        self.about = about
        self.url = f"{about['address']}{path}"

    def label(self, picture: bytes) -> str:
        """Ask for the label of a picture, in PNG.

        Raises:
            URLError: It does not answer, or not as it should.
        """
        request = urllib.request.Request(self.url, picture, {"Content-Type": "image/png"})  # noqa: S310 - http
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            label: str = json.load(answer)["predictions"][0]["label"]
            return label

    def wait_until_prepared(self) -> None:
        """Wait until `optotype serve` has looked through the training images, which it does while it answers.

        Raises:
            ServerFailedError: It takes too long.
        """
        until = time.monotonic() + _STARTING
        while time.monotonic() < until:
            with urllib.request.urlopen(f"{self.about['address']}/v1/model", timeout=10) as answer:  # noqa: S310
                if json.load(answer)["similar"] != "preparing":
                    return
            time.sleep(0.1)
        raise ServerFailedError("optotype still looks through the training images.")

    def metric(self, name: str) -> float | None:
        """Read one of the metrics that have no labels; None where the server has no time for that."""
        try:
            with urllib.request.urlopen(f"{self.about['address']}/metrics", timeout=10) as answer:  # noqa: S310
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    @property
    def memory(self) -> float:
        """Megabytes that it has in memory, of its first process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6

    def stop(self) -> None:
        """Stop all of its processes, until they are let go on."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        os.killpg(self._process.pid, signal.SIGCONT)


@contextmanager
def started(program: Program, picture: bytes) -> Iterator[Server]:
    """Start a server, and end all of its processes in any case.

    Args:
        program: Which.
        picture: What it is asked until it answers.

    Raises:
        ServerFailedError: It does not.
    """
    with TemporaryFile() as said:
        # In a session of its own, so that its processes can be stopped together.
        process = subprocess.Popen(
            program.command, stdout=subprocess.PIPE, stderr=said, cwd=ROOT, start_new_session=True
        )
        try:
            yield _answering(process, program, picture)
        except ServerFailedError as error:
            said.seek(0)
            words = said.read().decode(errors="replace")[-1500:].strip()
            raise ServerFailedError(f"{error} {words}") from None
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _answering(process: subprocess.Popen[bytes], program: Program, picture: bytes) -> Server:
    assert process.stdout is not None  # noqa: S101 - a pipe
    watch = threading.Timer(_STARTING, process.kill)
    watch.start()
    line = process.stdout.readline()
    watch.cancel()
    if not line:
        raise ServerFailedError(f"{program.name} ended before it could be asked:")
    server = Server(process, json.loads(line), program.path)
    until = time.monotonic() + _STARTING
    while time.monotonic() < until and process.poll() is None:
        try:
            server.label(picture)
        except OSError:
            time.sleep(0.1)
        else:
            if program.prepares:
                server.wait_until_prepared()
            return server
    raise ServerFailedError(f"{program.name} does not answer:")


def labels(server: Server, pictures: Sequence[bytes]) -> list[str]:
    """Ask for the labels of pictures, one after the other."""
    return [server.label(picture) for picture in pictures]
