"""The real server, started as a user starts it."""

import json
import subprocess
import sysconfig
from pathlib import Path


class RealServer:
    """`optotype serve` in its own process.

    Attributes:
        address: URL of the page.
        corrections_folder: The folder of corrections; None if there is none.
    """

    def __init__(self, target: Path, corrections_folder: Path | None = None) -> None:
        self.address = ""
        self.corrections_folder = corrections_folder
        self._target = target
        self._port = "0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, at the same port as before, and wait until it is ready."""
        command = Path(sysconfig.get_path("scripts")) / "optotype"
        options = ["--port", self._port, "--json"]
        if self.corrections_folder is not None:
            options += ["--collect", str(self.corrections_folder)]
        self._process = subprocess.Popen([command, "serve", self._target, *options], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self.address = json.loads(output.readline())["address"] + "/"
        self._port = self.address.rstrip("/").rpartition(":")[2]

    def stop(self) -> None:
        """Stop it and wait until it has ended."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0
