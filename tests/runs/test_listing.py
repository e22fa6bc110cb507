"""Which runs a folder holds."""

import json
from pathlib import Path

import pytest

from optotype.errors import RunError
from optotype.runs.listing import list_runs
from tests.runs.samples import small_run


def _dated(folder: Path, created: str) -> None:
    """Make a run of a certain time."""
    path = small_run(folder).path / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "created": created}))


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    """The order is that of their beginnings; runs of the same second are in the order of their names."""
    for name, created in (("b", "2026-01-02"), ("a", "2026-01-02"), ("c", "2026-01-03"), ("d", "2026-01-01")):
        _dated(tmp_path / name, created)
    found = list_runs(tmp_path)
    assert [run.name for run in found.runs] == ["c", "a", "b", "d"]
    assert found.damaged == ()


def test_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    """Other folders, files and the log of openings are no runs, and not damaged ones either."""
    small_run(tmp_path / "run")
    (tmp_path / "folder").mkdir()
    (tmp_path / "test-openings.jsonl").write_text("{}\n")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = list_runs(str(tmp_path))
    assert ([run.name for run in found.runs], found.damaged) == (["run"], ())
    assert list_runs(tmp_path / "folder") == ((), ())


@pytest.mark.parametrize("file", ["run.json", "recipe.json", "split.json", "epochs.jsonl"])
def test_a_damaged_run_keeps_nobody_from_the_others(tmp_path: Path, file: str) -> None:
    """A run with a damaged file is listed with what is wrong, beside those that can be read."""
    small_run(tmp_path / "whole")
    small_run(tmp_path / "broken")
    (tmp_path / "broken" / file).write_text("[]\n")
    found = list_runs(tmp_path)
    assert [run.name for run in found.runs] == ["whole"]
    ((path, problem),) = found.damaged
    assert path == tmp_path / "broken"
    assert file in problem


def test_what_holds_no_runs_is_refused(tmp_path: Path) -> None:
    """A missing folder, a file, and a run itself are answered with what was expected."""
    small_run(tmp_path / "run")
    for path, said in (
        ("none", "There is no folder"),
        ("run", "is itself a run"),
        ("run/run.json", "no folder"),
    ):
        with pytest.raises(RunError, match=said):
            list_runs(tmp_path / path)
