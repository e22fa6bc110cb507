"""The log of openings of sealed test sets."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from optotype.data.openings import LOG_NAME, read_openings, record_opening
from optotype.errors import RunError

FINGERPRINT = "sha256:" + "0" * 64


def test_reading_records_no_opening(tmp_path: Path) -> None:
    """Reading returns the recorded openings of one test set and records none."""
    assert read_openings(FINGERPRINT, tmp_path) == ()
    recorded = record_opening(FINGERPRINT, tmp_path, "me")
    record_opening("sha256:" + "1" * 64, tmp_path, "you")
    assert read_openings(FINGERPRINT, tmp_path) == read_openings(FINGERPRINT, tmp_path) == recorded


def test_concurrent_openings_have_different_numbers(tmp_path: Path) -> None:
    """Sixteen openings by four threads are numbered from 1 to 16."""
    with ThreadPoolExecutor(4) as pool:
        openings = list(pool.map(lambda _: len(record_opening(FINGERPRINT, tmp_path, "me")), range(16)))
    assert sorted(openings) == list(range(1, 17))
    assert len((tmp_path / LOG_NAME).read_text().splitlines()) == 16


@pytest.mark.parametrize(
    "incomplete", [b'{"time": "2026-01-01T00:00:00+00:00", "finger', b"\xff\xfe", b"[" * 100_000, b"7"]
)
def test_incomplete_last_line_is_ignored(tmp_path: Path, incomplete: bytes) -> None:
    """An incomplete line is not counted and does not affect the lines after it."""
    record_opening(FINGERPRINT, tmp_path, "me")
    with (tmp_path / LOG_NAME).open("ab") as file:
        file.write(incomplete)
    assert len(record_opening(FINGERPRINT, tmp_path, "me")) == 2
    assert len(record_opening(FINGERPRINT, tmp_path, "me")) == 3


def test_opening_that_cannot_be_logged_raises_run_error(tmp_path: Path) -> None:
    """If the log cannot be written, the error names the log."""
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(RunError, match=f"stays sealed: its opening cannot be written to .*{LOG_NAME}"):
        record_opening(FINGERPRINT, tmp_path / "runs", "me")
