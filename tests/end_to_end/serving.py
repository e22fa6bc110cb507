"""The installed server, started as a user starts it, and a client of it."""

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
    """A server that runs.

    Attributes:
        process: Its process.
        address: Where it can be asked, "http://127.0.0.1:41234".
        fingerprint: Of the model that it began with.
    """

    process: "subprocess.Popen[str]"
    address: str
    fingerprint: str

    def connection(self) -> http.client.HTTPConnection:
        """Open a connection to it."""
        return http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Ask once; gives the status and what the JSON says, or the text."""
        connection = self.connection()
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        is_json = (answer.getheader("content-type") or "").endswith("json")
        return answer.status, json.loads(content) if is_json else content.decode()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """End it; gives its exit code, and what it said since it began on both streams."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=90)
        return self.process.returncode, out, err


@contextmanager
def serving(target: Path, *arguments: str, folder: Path | None = None) -> Iterator[Server]:
    """Serve a target on a free port."""
    words = [str(OPTOTYPE), "serve", str(target), "--port", "0", "--json", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        words, cwd=folder, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONWARNINGS": "error"}
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 60)
        line = process.stdout.readline() if ready else ""
        assert line, process.stderr and process.stderr.read()
        told = json.loads(line)
        yield Server(process, told["address"], told["model"])
    finally:
        process.kill()
        process.communicate()


class Crowd:
    """Clients that ask again and again, each on a connection of its own, and note what they hear.

    Attributes:
        heard: Every answer: its status, and its JSON.
        broken: What went wrong between a request and its answer.
    """

    def __init__(self, server: Server, n: int, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.heard: list[tuple[int, Any]] = []
        self.broken: list[Exception] = []
        self._server, self._request = server, (path, body, headers)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(n)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        path, body, headers = self._request
        while not self._over.is_set():
            try:
                connection = self._server.connection()
                connection.connect()
            except OSError:
                return  # nobody listens any more
            try:
                while not self._over.is_set():
                    connection.request("POST", path, body, headers)
                    answer = connection.getresponse()
                    self.heard.append((answer.status, json.loads(answer.read())))
                    if answer.getheader("connection") == "close":
                        break
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(error)
                return
            finally:
                connection.close()
