"""ARCHITECTURE.md, the packages' docstrings and README.md describe what is there."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[2]
PACKAGES: Final = sorted(path.parent for path in (TOP / "src").rglob("__init__.py"))
MAP: Final = (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(TOP / "src").as_posix())
def test_a_package_describes_its_files(package: Path) -> None:
    """The docstring of every package but the root names each of its modules."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    if package.name == "optotype":
        modules = set()
    assert text
    assert {name for name in modules if not re.search(rf"^ *{name}: \S", text, re.MULTILINE)} == set()


def test_every_package_has_its_line() -> None:
    """ARCHITECTURE.md names every package of src/optotype and every folder of csrc."""
    for package in PACKAGES[1:]:
        assert f"`{package.relative_to(TOP / 'src' / 'optotype').as_posix()}/`" in MAP
    for folder in (path for path in (TOP / "csrc").iterdir() if path.is_dir()):
        assert f"`{folder.name}/`" in MAP


def test_every_path_exists() -> None:
    """Every path to a file that the table "Where to change what" names exists."""
    table = MAP.split("## Where to change what")[1].split("## ")[0]
    for path in re.findall(r"`([\w./-]+/[\w.-]*)`", table.replace("NAME.cpp", "")):
        places = [TOP / path, TOP / "src" / "optotype" / path]
        assert any(place.exists() for place in places), path


@pytest.mark.parametrize(
    ("name", "lines", "width"), [("README.md", 120, 120), ("ARCHITECTURE.md", 150, None)]
)
def test_a_page_stays_short(name: str, lines: int, width: int | None) -> None:
    """README.md has at most 120 lines of at most 120 characters, ARCHITECTURE.md at most 150 lines."""
    text = (TOP / name).read_text(encoding="utf-8").splitlines()
    assert len(text) <= lines
    assert width is None or [line for line in text if len(line) > width] == []
