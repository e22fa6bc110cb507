"""The installed command, started as a user starts it, on a small folder of easily told pictures."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.training.samples import write_folder

OPTOTYPE = Path(sys.executable).parent / "optotype"
Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 600 training and 200 test pictures as a folder of IDX files."""
    return write_folder(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is decoded and measured in a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTOTYPE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def optotype(tmp_path: Path) -> Command:
    """Give a function that runs the installed command in an empty folder, its output on pipes."""

    def call(*arguments: object, cwd: Path = tmp_path) -> Done:
        words = [str(OPTOTYPE), *map(str, arguments)]
        return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)

    return call


@pytest.fixture(scope="session")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train two quick epochs once; tests must leave this run as it is."""
    folder = tmp_path_factory.mktemp("trained") / "runs" / "digits"
    words = [OPTOTYPE, "train", digits, *QUICK, "--out", folder]
    subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120, check=True)
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
"""Arguments of a training that is over at once."""
