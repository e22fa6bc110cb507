"""The Makefile's manners on a machine that lacks something."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that holds nothing but copies of the files it is told by."""
    for name in ("Makefile", "pyproject.toml", "CMakeLists.txt"):
        shutil.copy(TOP / name, folder)
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_python_without_venv_gets_an_installation_hint(tmp_path: Path) -> None:
    """A Python that cannot make virtual environments ends in a sentence that says what to install."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    done = make(tmp_path, f"PYTHON={python}", ".venv/made")
    assert done.returncode != 0
    assert "venv and ensurepip are missing" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_missing_python_gets_an_installation_hint(tmp_path: Path) -> None:
    """Where no Python 3.11 or newer is found, the message says so and how to name one."""
    done = make(tmp_path, "PYTHON=", ".venv/made")
    assert done.returncode != 0
    assert "No Python 3.11 or newer was found" in done.stderr


def test_make_mnist_installs_no_test_tools(tmp_path: Path) -> None:
    """`make mnist` installs what optotype needs, not what its tests and checks need."""
    planned = make(tmp_path, "--dry-run", "PYTHON=python3", "mnist").stdout
    assert "optotype train mnist --judge" in planned
    assert "--group test" not in planned


def test_help_lists_every_target(tmp_path: Path) -> None:
    """`make` alone lists every target that is meant to be called."""
    listed = {line.split()[0] for line in make(tmp_path).stdout.splitlines()}
    phony = re.search(r"^\.PHONY: (.+)$", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    assert listed == set(phony[1].split())
