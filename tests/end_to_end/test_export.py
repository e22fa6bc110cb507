"""`optotype export`, as a person runs it."""

import json
from pathlib import Path

import numpy as np

from tests.end_to_end.conftest import Command


def test_an_export_says_on_what_it_was_verified(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """The file lies in the working folder, named after the run; the output names it and its validation images."""
    done = optotype("export", trained, "--format", "npz")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("npz       digits.npz  ")
    assert second.startswith(
        "verified  on 100 validation images by NumPy: the model's labels; probabilities differ by"
    )
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as file:
        assert "network" in file


def test_programs_get_json(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """With --json it is one object with every file, and what the verification came to; a wrong name is an error."""
    done = optotype("export", trained, "--format", "c", "--out", "net.c", "--json")
    told = json.loads(done.stdout)
    assert [each["path"] for each in told["files"]] == ["net.c", "net.h"]
    assert [each["bytes"] for each in told["files"]] == [
        (tmp_path / n).stat().st_size for n in ("net.c", "net.h")
    ]
    assert (told["verification"]["images"], told["verification"]["n"]) == ("validation images", 100)
    refused = optotype("export", trained, "--format", "c", "--out", "net.onnx", "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["type"] == "ExportError"
