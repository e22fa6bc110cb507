"""The list of runs in a folder."""

import json
from pathlib import Path

import pytest

from optotype.errors import RunError
from optotype.runs.listing import list_runs
from tests.runs.samples import small_run


def _create_run(folder: Path, created: str) -> None:
    """Create a run with a given start."""
    path = small_run(folder).path / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "created": created}))


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    """Runs are sorted by start, the newest first; runs of the same second by name."""
    for name, created in (("b", "2026-01-02"), ("a", "2026-01-02"), ("c", "2026-01-03"), ("d", "2026-01-01")):
        _create_run(tmp_path / name, created)
    listing = list_runs(tmp_path)
    assert [run.name for run in listing.runs] == ["c", "a", "b", "d"]
    assert listing.damaged == ()


def test_other_files_are_skipped(tmp_path: Path) -> None:
    """Other folders, files and the log of openings are neither runs nor damaged runs."""
    small_run(tmp_path / "run")
    (tmp_path / "folder").mkdir()
    (tmp_path / "test-openings.jsonl").write_text("{}\n")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    listing = list_runs(str(tmp_path))
    assert ([run.name for run in listing.runs], listing.damaged) == (["run"], ())
    assert list_runs(tmp_path / "folder") == ((), ())


@pytest.mark.parametrize("file", ["run.json", "recipe.json", "split.json", "epochs.jsonl"])
def test_damaged_run(tmp_path: Path, file: str) -> None:
    """A run with a damaged file is listed with its problem, and the other runs are listed too."""
    small_run(tmp_path / "intact")
    small_run(tmp_path / "broken")
    (tmp_path / "broken" / file).write_text("[]\n")
    listing = list_runs(tmp_path)
    assert [run.name for run in listing.runs] == ["intact"]
    ((path, problem),) = listing.damaged
    assert path == tmp_path / "broken"
    assert file in problem


def test_not_a_folder_of_runs(tmp_path: Path) -> None:
    """A missing folder, a file and a run itself raise a RunError."""
    small_run(tmp_path / "run")
    for path, message in (
        ("none", "There is no folder"),
        ("run", "is itself a run"),
        ("run/run.json", "no folder"),
    ):
        with pytest.raises(RunError, match=message):
            list_runs(tmp_path / path)
