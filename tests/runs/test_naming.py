"""Names of run folders."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from optotype.errors import RunError
from optotype.recipes.recipe import Recipe
from optotype.runs.naming import create_run_folder


def test_name(tmp_path: Path) -> None:
    """The folder is named after data, recipe, seed and time, and is created with its parents."""
    folder = create_run_folder(
        "mnist", Recipe(name="mlp-32-16", layers=(), seed=7), tmp_path / "deep" / "runs"
    )
    assert re.fullmatch(r"mnist-mlp-32-16-s7-\d{8}T\d{6}Z", folder.name)
    assert folder.is_dir()


def test_names_in_the_same_second(tmp_path: Path) -> None:
    """Runs that start at the same moment have different folders."""
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: create_run_folder("d", Recipe(layers=()), tmp_path), range(40)))
    assert len(set(folders)) == 40


@pytest.mark.parametrize("name", ["../../etc", "a b", "x" * 150, "...", "-", "ζ", "/"])
def test_unusual_names(tmp_path: Path, name: str) -> None:
    """The folder is in the root and has a valid name, for any names of data and recipe."""
    folder = create_run_folder(name, Recipe(name=name, layers=()), tmp_path)
    assert folder.parent == tmp_path
    assert re.fullmatch(r"[A-Za-z0-9_-]{10,120}", folder.name)


def test_root_is_a_file(tmp_path: Path) -> None:
    """A file at the path of the root raises a RunError."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match="runs"):
        create_run_folder("d", Recipe(layers=()), tmp_path / "runs")
