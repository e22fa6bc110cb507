"""Server processes: started until they respond, paused while another server is measured, and killed."""

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

_START_SECONDS: Final = 120.0


class ServerFailedError(Exception):
    """A server ended or did not respond in time; the message ends with its last output."""


@dataclass(frozen=True)
class Program:
    """The command of a server, which prints one line of JSON with its "address".

    Attributes:
        name: Its name in the results; its first word is the library.
        command: The command.
        path: The path for predictions.
        prepares: Whether it still prepares something after its first response.
    """

    name: str
    command: tuple[str, ...]
    path: str = "/predict"
    prepares: bool = False

    @property
    def library(self) -> str:
        """The library: "optotype", "litserve", ..."""
        return self.name.split()[0]


def ours(run: Path) -> Program:
    """Return the command of `optotype serve` for a run."""
    optotype = Path(sys.executable).with_name("optotype")
    command = (str(optotype), "serve", str(run), "--json", "--port", "0")
    return Program("optotype", command, "/v1/predict", prepares=True)


def peers(model: Path) -> tuple[Program, ...]:
    """Return the commands of other servers, with every setting that might be their fastest.

    Args:
        model: The model as an ONNX file.
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
        Program(name, (python, "-m", f"benchmarks.sides.{name.split()[0]}", str(model), json.dumps(options)))
        for name, options in settings.items()
    )


class Server:
    """A running server.

    Attributes:
        url: The URL for predictions.
        announcement: The JSON that it printed.
    """

    def __init__(self, process: subprocess.Popen[bytes], announcement: dict[str, Any], path: str) -> None:
        self._process = process
        self.announcement = announcement
        self.url = f"{announcement['address']}{path}"

    def label(self, image: bytes) -> str:
        """Return the predicted label of a PNG file.

        Raises:
            URLError: If there is no response, or an error response.
        """
        request = urllib.request.Request(self.url, image, {"Content-Type": "image/png"})  # noqa: S310 - http
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            label: str = json.load(response)["predictions"][0]["label"]
            return label

    def wait_until_prepared(self) -> None:
        """Wait until `optotype serve` has computed the training images' features, which it does in the background.

        Raises:
            ServerFailedError: If it takes too long.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"{self.announcement['address']}/v1/model", timeout=10) as response:  # noqa: S310
                if json.load(response)["neighbours"] != "preparing":
                    return
            time.sleep(0.1)
        raise ServerFailedError("optotype has not computed the training images' features in time.")

    def metric(self, name: str) -> float | None:
        """Return the value of a metric without labels; None if the server does not respond."""
        try:
            with urllib.request.urlopen(f"{self.announcement['address']}/metrics", timeout=10) as response:  # noqa: S310
                lines = response.read().decode().splitlines()
        except OSError:
            return None
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    @property
    def memory(self) -> float:
        """Resident memory of its first process in megabytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6

    def pause(self) -> None:
        """Pause all of its processes."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Resume all of its processes."""
        os.killpg(self._process.pid, signal.SIGCONT)


@contextmanager
def start_server(program: Program, image: bytes) -> Iterator[Server]:
    """Start a server, and kill all of its processes at the end.

    Args:
        program: The server's command.
        image: PNG file that is sent until there is a response.

    Raises:
        ServerFailedError: If it ends or does not respond in time.
    """
    with TemporaryFile() as log:
        # In its own session, so that its processes can be paused together.
        process = subprocess.Popen(
            program.command, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, start_new_session=True
        )
        try:
            yield _wait_for_response(process, program, image)
        except ServerFailedError as error:
            log.seek(0)
            message = log.read().decode(errors="replace")[-1500:].strip()
            raise ServerFailedError(f"{error} {message}") from None
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _wait_for_response(process: subprocess.Popen[bytes], program: Program, image: bytes) -> Server:
    assert process.stdout is not None  # noqa: S101 - a pipe
    timer = threading.Timer(_START_SECONDS, process.kill)
    timer.start()
    line = process.stdout.readline()
    timer.cancel()
    if not line:
        raise ServerFailedError(f"{program.name} ended before it was ready:")
    server = Server(process, json.loads(line), program.path)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.label(image)
        except OSError:
            time.sleep(0.1)
        else:
            if program.prepares:
                server.wait_until_prepared()
            return server
    raise ServerFailedError(f"{program.name} does not respond:")


def predict_labels(server: Server, images: Sequence[bytes]) -> list[str]:
    """Return the predicted labels of PNG files, requested one after the other."""
    return [server.label(image) for image in images]
