"""No file can do more than be refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.samples import whole_model

COUNT = 2000


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_mutated_files_are_models_or_model_errors(tmp_path: Path) -> None:
    """2,000 changed files, each with every part there is: a model that predicts or a ModelError, and little memory."""
    whole_model().save(tmp_path / "m")
    command = [sys.executable, "-m", "tests.models.mutants", str(tmp_path / "m"), str(COUNT)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    models, megabytes = map(int, done.stdout.split())
    assert COUNT / 100 < models < COUNT / 2
    assert megabytes < 100
