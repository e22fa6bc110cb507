"""The real server, as a person starts it."""

import json
import subprocess
import sysconfig
from pathlib import Path


class Real:
    """`optotype serve` in a process of its own.

    Attributes:
        address: Where the page is.
        collect: The folder of corrections, if any.
    """

    def __init__(self, target: Path, collect: Path | None = None) -> None:
        self.address = ""
        self.collect = collect
        self._target = target
        self._port = "0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, at the port of the last time, and wait until it can be asked."""
        command = Path(sysconfig.get_path("scripts")) / "optotype"
        options = ["--port", self._port, "--json"]
        if self.collect is not None:
            options += ["--collect", str(self.collect)]
        self._process = subprocess.Popen([command, "serve", self._target, *options], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        with self._process.stdout as told:
            self.address = json.loads(told.readline())["address"] + "/"
        self._port = self.address.rstrip("/").rpartition(":")[2]

    def stop(self) -> None:
        """Stop it, and wait until it has."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0
