"""The installed command `optotype export`."""

import json
from pathlib import Path

import numpy as np

from tests.end_to_end.conftest import Command


def test_output_describes_the_verification(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """The file is in the current folder under the run's name; the output names it and the verification images."""
    result = optotype("export", trained, "--format", "npz")
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    assert first.startswith("npz       digits.npz  ")
    assert second.startswith("verified  on 100 validation images with NumPy: ")
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as file:
        assert "network" in file


def test_json_is_one_object(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """With --json the output is one object with the files and the verification; a wrong suffix is an error object."""
    result = optotype("export", trained, "--format", "c", "--out", "net.c", "--json")
    output = json.loads(result.stdout)
    names = ["net.c", "net.h"]
    assert [file["path"] for file in output["files"]] == names
    assert [file["bytes"] for file in output["files"]] == [(tmp_path / name).stat().st_size for name in names]
    verification = output["verification"]
    assert (verification["images"], verification["n"]) == ("validation images", 100)
    assert 0 <= verification["max_difference"] < 1e-4
    rejected = optotype("export", trained, "--format", "c", "--out", "net.onnx", "--json")
    assert rejected.returncode == 1
    assert json.loads(rejected.stdout)["error"]["type"] == "ExportError"
