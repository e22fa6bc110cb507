"""The report's files."""

from pathlib import Path

import pytest

from optotype.errors import RunError
from optotype.reporting import write_report
from tests.judging.samples import complete, judged


def test_both_files_are_written_anew(tmp_path: Path) -> None:
    """report.html and MODEL_CARD.md lie in the folder; a second report replaces the first and leaves nothing else."""
    judgement, model = judged()
    page = write_report(judgement, model, tmp_path)
    before = page.read_bytes()
    assert write_report(complete(judgement), model, tmp_path) == page == tmp_path / "report.html"
    assert page.read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["MODEL_CARD.md", "report.html"]


def test_a_name_that_is_no_utf8_is_written(tmp_path: Path) -> None:
    """Names from a file system that is not UTF-8 do not stop a report."""
    judgement, model = judged(name="\udcff{}")
    assert b"?0" in write_report(complete(judgement, "\udcff"), model, tmp_path).read_bytes()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where there is no folder, the error says which file could not be written."""
    with pytest.raises(RunError, match=r"MODEL_CARD\.md"):
        write_report(*judged(), tmp_path / "missing")
