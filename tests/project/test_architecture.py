"""ARCHITECTURE.md is a map; these tests keep it true."""

import re
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
LISTED_BY_FILE: Final = ("src", "csrc", "reproduce", "benchmarks", "checks")
SOURCES: Final = (".py", ".pyi", ".cpp", ".hpp", ".h")
LINE: Final = re.compile(r"(?P<indent> *)(?P<name>\S+?)(?P<slash>/?)(?:  +(?P<text>\S.*))?")


def tree() -> dict[str, str]:
    """Read the tree in ARCHITECTURE.md: each path (folders end in a slash) with its line of text."""
    block = (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    folders: list[str] = []
    found: dict[str, str] = {}
    for line in block.strip("\n").splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, f"a line that is no file or folder: {line!r}"
        del folders[len(match["indent"]) // 2 :]
        path = "/".join([*folders, match["name"]])
        assert path + match["slash"] not in found, f"listed twice: {path}"
        found[path + match["slash"]] = match["text"] or ""
        if match["slash"]:
            folders.append(match["name"])
    return found


def test_every_source_file_has_its_line() -> None:
    """The tree lists exactly the source files of src, csrc, reproduce, benchmarks and checks."""
    real = {
        path.relative_to(TOP).as_posix()
        for folder in LISTED_BY_FILE
        for path in (TOP / folder).rglob("*")
        if path.suffix in SOURCES
    }
    listed = {path for path in tree() if path.startswith(LISTED_BY_FILE) and path.endswith(SOURCES)}
    assert listed == real


def test_every_folder_of_tests_has_its_line() -> None:
    """The tree lists exactly the folders of tests that hold tests."""
    real = {path.parent.relative_to(TOP).as_posix() + "/" for path in (TOP / "tests").rglob("test_*.py")}
    listed = {path for path in tree() if path.startswith("tests/") and path.endswith("/")}
    assert listed == real


def test_everything_listed_exists_and_says_what_it_is() -> None:
    """Every listed path exists, a folder as a folder, and every file's line has a text."""
    for path, text in tree().items():
        assert (TOP / path).is_dir() if path.endswith("/") else (TOP / path).is_file(), path
        assert text or path.endswith("/"), path
