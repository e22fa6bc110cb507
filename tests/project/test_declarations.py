"""What is written down twice agrees."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).parents[2]
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def test_build_group_equals_the_build_requirements() -> None:
    """What `make` installs to build with is what [build-system] asks for."""
    assert set(PYPROJECT["build-system"]["requires"]) <= set(PYPROJECT["dependency-groups"]["build"])


def test_citation_has_the_project_version() -> None:
    """CITATION.cff cites the version of pyproject.toml."""
    cited = re.search(r"^version: (\S+)$", (TOP / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == PYPROJECT["project"]["version"]


def test_changelog_begins_with_unreleased_changes() -> None:
    """CHANGELOG.md opens with the section that new changes go into."""
    sections = re.findall(r"^## \[(.+?)\]", (TOP / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "Unreleased"


def test_decisions_are_numbered_consecutively() -> None:
    """The decisions are numbered from 0001 on, and each says why, what else, and what follows."""
    pages = sorted((TOP / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        found = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert found == ["Context", "Choice", "Rejected", "Consequences"], page.name
