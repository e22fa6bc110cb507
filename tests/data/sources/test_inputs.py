"""Resolution of image arguments."""

import os
from pathlib import Path

import pytest

from optotype.data.sources.inputs import resolve_inputs


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a few files to the working folder; they contain no images, because none is opened."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.png",
        "a.png",
        "in/2.jpg",
        "in/deep/er/1.png",
        "in/.hidden.png",
        "in/note.txt",
        "in/.git/x.png",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def _resolve(*arguments: str) -> list[str]:
    locations, skipped = resolve_inputs(arguments)
    assert not skipped
    assert all(Path(location.path).samefile(location.file) for location in locations)
    return [location.file for location in locations]


@pytest.mark.usefixtures("working_folder")
def test_arguments_keep_their_order_and_folders_are_sorted() -> None:
    """Files of any name are kept in order; a folder gives its image files at any depth, except hidden ones."""
    assert _resolve("b.png", "in/note.txt", "a.png", "b.png") == ["b.png", "in/note.txt", "a.png", "b.png"]
    assert _resolve("in", "a.png") == ["in/2.jpg", "in/deep/er/1.png", "a.png"]
    assert _resolve("in/") == ["in/2.jpg", "in/deep/er/1.png"]


def test_optotypes_output_is_ignored(working_folder: Path) -> None:
    """A contact sheet and curves beside optotype's markers are left out."""
    (working_folder / "in" / "run.json").touch()
    (working_folder / "in" / "loss.png").touch()
    assert _resolve("in") == ["in/2.jpg", "in/deep/er/1.png"]


def test_patterns_are_expanded_unless_a_file_has_that_name(working_folder: Path) -> None:
    """A pattern gives its matches, sorted, each file once; an existing file of that name takes precedence."""
    assert _resolve("*.png") == ["a.png", "b.png"]
    assert _resolve("i[n]") == ["in/2.jpg", "in/deep/er/1.png"]
    assert _resolve("in/**/*.png", f"{working_folder}/[ab].png") == [
        "in/deep/er/1.png",
        f"{working_folder}/a.png",
        f"{working_folder}/b.png",
    ]
    assert _resolve("in/**") == ["in/2.jpg", "in/deep/er/1.png", "in/note.txt"]
    (working_folder / "[ab].png").touch()
    assert _resolve("[ab].png") == ["[ab].png"]


def test_missing_files_are_listed(working_folder: Path) -> None:
    """A pattern without a match, a folder without an image file and links out of a folder are unusable."""
    (working_folder / "empty").mkdir()
    (working_folder / "in" / "away.png").symlink_to("/dev/zero")
    locations, skipped = resolve_inputs(["empty", "x*", "in", "missing.png"])
    assert [entry.file for entry in locations] == ["in/2.jpg", "in/deep/er/1.png", "missing.png"]
    assert [(entry.file, entry.reason) for entry in skipped] == [
        ("empty", "is a folder without an image file"),
        ("x*", "matches no file"),
        ("in/away.png", "is a link out of the folder"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folder_is_listed(working_folder: Path) -> None:
    """An unreadable folder is one unusable argument, not an error."""
    (working_folder / "in").chmod(0)
    _, skipped = resolve_inputs(["in"])
    (working_folder / "in").chmod(0o700)
    assert "Permission denied" in skipped[0].reason
