"""The Makefile on a machine without Python or venv, and its targets."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that contains only copies of the files that it reads."""
    for name in ("Makefile", "pyproject.toml", "CMakeLists.txt"):
        shutil.copy(TOP / name, folder)
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_python_without_venv_gets_an_installation_hint(tmp_path: Path) -> None:
    """If Python cannot create virtual environments, the error says what to install."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    completed = make(tmp_path, f"PYTHON={python}", ".venv/made")
    assert completed.returncode != 0
    assert "venv and ensurepip are missing" in completed.stderr
    assert not (tmp_path / ".venv").exists()


def test_missing_python_gets_an_installation_hint(tmp_path: Path) -> None:
    """If Python 3.11 or newer is missing, the error says so, and how to name an interpreter."""
    completed = make(tmp_path, "PYTHON=", ".venv/made")
    assert completed.returncode != 0
    assert "No Python 3.11 or newer was found" in completed.stderr


def test_make_mnist_installs_no_test_tools(tmp_path: Path) -> None:
    """`make mnist` installs the requirements of optotype, but not those of its tests and checks."""
    commands = make(tmp_path, "--dry-run", "PYTHON=python3", "mnist").stdout
    assert "optotype train mnist --judge" in commands
    assert "--group test" not in commands


def test_help_lists_every_target(tmp_path: Path) -> None:
    """`make` without arguments lists every phony target."""
    targets = {line.split()[0] for line in make(tmp_path).stdout.splitlines()}
    phony = re.search(r"^\.PHONY: (.+)$", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    assert targets == set(phony[1].split())
