"""Run the installed command like a user, on a small folder of images that are easy to classify."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.training.samples import write_folder

OPTOTYPE = Path(sys.executable).parent / "optotype"
Result = subprocess.CompletedProcess[str]
Command = Callable[..., Result]


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 600 training and 200 test images as a folder of IDX files."""
    return write_folder(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a temporary folder as cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTOTYPE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def optotype(tmp_path: Path) -> Command:
    """Return a function that runs the installed command in an empty folder with its output on pipes."""

    def call(*arguments: object, cwd: Path = tmp_path) -> Result:
        command = [str(OPTOTYPE), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)

    return call


@pytest.fixture(scope="session")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train two short epochs once; tests must not change this run."""
    folder = tmp_path_factory.mktemp("trained") / "runs" / "digits"
    command = [OPTOTYPE, "train", digits, *QUICK, "--out", folder]
    subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=True)
    return folder


QUICK = (
    "--recipe",
    "mlp-32-16",
    "--set",
    "epochs=2",
    "--set",
    "optimizer.type=Adam",
    "--set",
    "validation=100",
)
"""Arguments of a training that takes less than a second."""
