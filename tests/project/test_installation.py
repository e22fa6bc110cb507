"""The tests run against the installed package, which is complete and current."""

import importlib.metadata
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

import optotype

TOP: Final = Path(__file__).parents[2]
INSTALLED: Final = Path(optotype.__file__).parent


def test_tests_run_against_the_installed_package() -> None:
    """`import optotype` finds site-packages, not the source folder."""
    assert Path(sysconfig.get_path("platlib")) / "optotype" == INSTALLED


def test_installed_package_equals_the_source() -> None:
    """Every file of src is installed, byte for byte, and no other Python file is."""
    source = TOP / "src" / "optotype"
    files = {
        path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }
    installed = {path.relative_to(INSTALLED) for path in INSTALLED.rglob("*") if path.is_file()}
    assert not files - installed, "not installed: run make .venv/installed"
    stale = [path for path in files if (INSTALLED / path).read_bytes() != (source / path).read_bytes()]
    assert not stale, "changed since it was installed: run make .venv/installed"
    assert {path for path in installed if path.suffix == ".py"} <= files


def test_native_module_is_installed() -> None:
    """The native module is in the engine's folder, and no C++ source or library is installed."""
    assert len(list((INSTALLED / "engine").glob("_core.*.so"))) == 1
    assert not [path for path in INSTALLED.rglob("*") if path.suffix in {".cpp", ".hpp", ".h", ".a"}]


def test_package_contains_its_licences() -> None:
    """The installed package names its licences and contains their texts."""
    metadata = importlib.metadata.metadata("optotype")
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-SA-3.0"
    assert {"LICENSE", "NOTICE", "src/optotype/data/mnist/LICENSE"} == set(
        metadata.get_all("License-File") or []
    )


def test_command_is_installed() -> None:
    """The command `optotype` is installed beside Python, starts, and lists its subcommands."""
    command = Path(sysconfig.get_path("scripts")) / "optotype"
    completed = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    for subcommand in ("data", "train", "judge", "predict", "recipes", "info"):
        assert subcommand in completed.stdout
