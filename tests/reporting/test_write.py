"""The files of a report."""

from pathlib import Path

import pytest

from optotype.errors import RunError
from optotype.reporting import write_report
from tests.judging.samples import complete, judged


def test_a_second_report_replaces_the_first(tmp_path: Path) -> None:
    """report.html and MODEL_CARD.md are in the folder; a second report replaces both and leaves no other file."""
    judgement, model = judged()
    page = write_report(judgement, model, tmp_path)
    before = page.read_bytes()
    assert write_report(complete(judgement), model, tmp_path) == page == tmp_path / "report.html"
    assert page.read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["MODEL_CARD.md", "report.html"]


def test_a_name_that_is_not_utf8_is_written(tmp_path: Path) -> None:
    """Names from a file system that is not UTF-8 do not prevent a report."""
    judgement, model = judged(name="\udcff{}")
    assert b"?0" in write_report(complete(judgement, "\udcff"), model, tmp_path).read_bytes()


def test_an_unwritable_file_is_named(tmp_path: Path) -> None:
    """If the folder does not exist, the error names the file that could not be written."""
    with pytest.raises(RunError, match=r"MODEL_CARD\.md"):
        write_report(*judged(), tmp_path / "missing")


def test_a_path_with_a_null_byte_is_an_error_of_optotype() -> None:
    """A path that the operating system refuses as a value is reported like any other unwritable file."""
    with pytest.raises(RunError, match=r"MODEL_CARD\.md"):
        write_report(*judged(), Path("a\0b"))
