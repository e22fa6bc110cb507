"""Randomly changed model files are models or raise a ModelError."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.samples import complete_model

COUNT = 2000


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit works on Linux only")
@pytest.mark.parametrize(("file", "count"), [("current", COUNT), ("format-2.safetensors", COUNT // 4)])
def test_mutated_files_are_models_or_model_errors(tmp_path: Path, file: str, count: int) -> None:
    """Changed files with all parts load as a model that predicts or raise a ModelError, with little memory."""
    if file == "current":
        complete_model().save(tmp_path / file)
    else:
        shutil.copy(Path(__file__).with_name(file), tmp_path)
    command = [sys.executable, "-m", "tests.models.mutants", str(tmp_path / file), str(count)]
    process = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stderr
    models, megabytes = map(int, process.stdout.split())
    assert count / 100 < models < count / 2
    assert megabytes < 100
