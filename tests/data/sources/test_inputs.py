"""Resolution of image arguments."""

import os
from pathlib import Path

import pytest

from optotype.data.sources.inputs import resolve_inputs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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


def _names(*places: str) -> list[str]:
    found, bad = resolve_inputs(places)
    assert not bad
    assert all(Path(each.path).samefile(each.file) for each in found)
    return [each.file for each in found]


@pytest.mark.usefixtures("here")
def test_places_keep_their_order_and_folders_are_sorted() -> None:
    """Files of any name are kept in order; a folder gives its image files at any depth, except hidden ones."""
    assert _names("b.png", "in/note.txt", "a.png", "b.png") == ["b.png", "in/note.txt", "a.png", "b.png"]
    assert _names("in", "a.png") == ["in/2.jpg", "in/deep/er/1.png", "a.png"]
    assert _names("in/") == ["in/2.jpg", "in/deep/er/1.png"]


def test_optotypes_output_is_ignored(here: Path) -> None:
    """A contact sheet and curves beside optotype's markers are left out."""
    (here / "in" / "run.json").touch()
    (here / "in" / "loss.png").touch()
    assert _names("in") == ["in/2.jpg", "in/deep/er/1.png"]


def test_patterns_are_expanded_unless_a_file_is_called_so(here: Path) -> None:
    """A pattern gives its matches, sorted, each file once; an existing file of that name takes precedence."""
    assert _names("*.png") == ["a.png", "b.png"]
    assert _names("i[n]") == ["in/2.jpg", "in/deep/er/1.png"]
    assert _names("in/**/*.png", f"{here}/[ab].png") == ["in/deep/er/1.png", f"{here}/a.png", f"{here}/b.png"]
    assert _names("in/**") == ["in/2.jpg", "in/deep/er/1.png", "in/note.txt"]
    (here / "[ab].png").touch()
    assert _names("[ab].png") == ["[ab].png"]


def test_missing_files_are_listed(here: Path) -> None:
    """A pattern without a match, a folder without an image file and links out of a folder are unusable."""
    (here / "empty").mkdir()
    (here / "in" / "away.png").symlink_to("/dev/zero")
    found, bad = resolve_inputs(["empty", "x*", "in", "missing.png"])
    assert [each.file for each in found] == ["in/2.jpg", "in/deep/er/1.png", "missing.png"]
    assert [(each.file, each.reason) for each in bad] == [
        ("empty", "is a folder without an image file"),
        ("x*", "matches no file"),
        ("in/away.png", "is a link out of the folder"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_listed(here: Path) -> None:
    """An unreadable folder is one unusable argument, not an error."""
    (here / "in").chmod(0)
    _, bad = resolve_inputs(["in"])
    (here / "in").chmod(0o700)
    assert "Permission denied" in bad[0].reason
