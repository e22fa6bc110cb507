"""Declarations that occur in two files agree."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).parents[2]
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def test_build_group_equals_the_build_requirements() -> None:
    """The build group that `make` installs contains the requirements of [build-system]."""
    assert set(PYPROJECT["build-system"]["requires"]) <= set(PYPROJECT["dependency-groups"]["build"])


def test_citation_has_the_project_version() -> None:
    """CITATION.cff cites the version of pyproject.toml."""
    cited = re.search(r"^version: (\S+)$", (TOP / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == PYPROJECT["project"]["version"]


def test_changelog_begins_with_unreleased_changes() -> None:
    """CHANGELOG.md begins with the section for unreleased changes."""
    sections = re.findall(r"^## \[(.+?)\]", (TOP / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "Unreleased"


def test_decisions_are_numbered_consecutively() -> None:
    """The decisions are numbered from 0001, and each has the four sections from context to consequences."""
    pages = sorted((TOP / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Choice", "Rejected", "Consequences"], page.name
