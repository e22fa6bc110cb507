"""The virtual environments of the sides: optotype's own, and one per group of peers, created on first use."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reproduce import peers
from reproduce.results import ROOT


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the top folder of the repository.

    Attributes:
        folder: The name of its folder.
        packages: The pinned packages; empty if it is created elsewhere.
    """

    folder: str
    packages: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The path of its interpreter."""
        return ROOT / self.folder / "bin" / "python"


OURS: Final = Environment(".venv")
KERAS: Final = Environment(peers.ENVIRONMENT.name, peers.PACKAGES)
# Pinned to the last PyTorch whose default package is small on processors, with Keras to run on it.
TORCH: Final = Environment(".venv-torch", ("torch==2.13.0", "keras==3.15.1", "numpy==2.4.6"))
ONNX: Final = Environment(".venv-onnx", ("onnxruntime==1.31.1", "onnx==1.23.2", "numpy==2.4.6"))


# The same web server and image decoder as ours.
SERVERS: Final = Environment(
    ".venv-servers",
    (
        "litserve==0.2.19",
        "fastapi==0.165.0",
        "uvicorn==0.54.0",
        "httptools==0.9.0",
        "uvloop==0.23.0",
        "onnxruntime==1.31.1",
        "pillow==13.0.0",
        "numpy==2.4.6",
    ),
)


def make(environments: Iterable[Environment]) -> None:
    """Create the environments that are missing or have other packages.

    Raises:
        CalledProcessError: If the packages cannot be installed; the output of pip is on standard error.
    """
    for environment in environments:
        if environment == KERAS:
            peers.make_environment()
        else:
            _make(environment)


def _make(environment: Environment) -> None:
    marker = ROOT / environment.folder / "made"
    requirements = "\n".join(environment.packages)
    if marker.exists() and marker.read_text(encoding="utf-8") == requirements:
        return
    print(f"creating {environment.folder} with {', '.join(environment.packages)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ROOT / environment.folder)], check=True)
    pip = [str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, *environment.packages], check=True)
    # Written last, so that an incomplete environment is created again.
    marker.write_text(requirements, encoding="utf-8")
