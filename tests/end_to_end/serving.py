"""The installed server, started as a user starts it, and clients of it."""

import http.client
import json
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.end_to_end.conftest import OPTOTYPE


@dataclass
class Server:
    """A running server.

    Attributes:
        process: Its process.
        address: Its URL, for example "http://127.0.0.1:41234".
        fingerprint: Fingerprint of the model that it started with.
    """

    process: "subprocess.Popen[str]"
    address: str
    fingerprint: str

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection."""
        return http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request; return the response's status, and its parsed JSON or its text."""
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        is_json = (response.getheader("content-type") or "").endswith("json")
        return response.status, json.loads(content) if is_json else content.decode()

    def stop(self, signal_number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Stop the server; return its exit code and its remaining output on both streams."""
        self.process.send_signal(signal_number)
        out, err = self.process.communicate(timeout=90)
        return self.process.returncode, out, err


@contextmanager
def serving(target: Path, *arguments: str, folder: Path | None = None) -> Iterator[Server]:
    """Serve a target on a free port."""
    command = [str(OPTOTYPE), "serve", str(target), "--port", "0", "--json", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=pipe,
        stderr=pipe,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 60)
        line = process.stdout.readline() if ready else ""
        assert line, process.stderr and process.stderr.read()
        started = json.loads(line)
        yield Server(process, started["address"], started["model"])
    finally:
        process.kill()
        process.communicate()


class Clients:
    """Clients that repeat a request, each on its own connection, and record the responses.

    Attributes:
        responses: Status and JSON of every response.
        errors: Errors between a request and its response.
    """

    def __init__(self, server: Server, n: int, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.responses: list[tuple[int, Any]] = []
        self.errors: list[Exception] = []
        self._server, self._request = server, (path, body, headers)
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send_requests) for _ in range(n)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send_requests(self) -> None:
        path, body, headers = self._request
        while not self._is_over.is_set():
            try:
                connection = self._server.connect()
                connection.connect()
            except OSError:
                return  # the server has stopped
            try:
                while not self._is_over.is_set():
                    connection.request("POST", path, body, headers)
                    response = connection.getresponse()
                    self.responses.append((response.status, json.loads(response.read())))
                    if response.getheader("connection") == "close":
                        break
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(error)
                return
            finally:
                connection.close()
