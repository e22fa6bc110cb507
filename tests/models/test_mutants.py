"""Randomly changed model files are models or raise a ModelError."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.samples import complete_model

COUNT = 2000


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit works on Linux only")
def test_mutated_files_are_models_or_model_errors(tmp_path: Path) -> None:
    """2,000 changed files with all parts load as a model that predicts or raise a ModelError, with little memory."""
    complete_model().save(tmp_path / "m")
    command = [sys.executable, "-m", "tests.models.mutants", str(tmp_path / "m"), str(COUNT)]
    process = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stderr
    models, megabytes = map(int, process.stdout.split())
    assert COUNT / 100 < models < COUNT / 2
    assert megabytes < 100
