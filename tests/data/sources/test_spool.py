"""Progress of unpacking."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import pytest

from optotype.data.sources.picture_sets import load_pictures
from tests.data.picture_files import names, picture
from tests.data.sources.test_archives import write_tar, write_zip


@pytest.mark.parametrize(("write", "ending"), [(write_zip, ".zip"), (write_tar, ".tar.xz")])
def test_archive_reports_progress(
    tmp_path: Path, write: Callable[[Path, Sequence[tuple[str, bytes]]], Path], ending: str
) -> None:
    """Unpacking and decoding report progress in turn, with done and total, never decreasing."""
    reports: list[tuple[str, int, int]] = []
    packed = write(tmp_path / f"pets{ending}", [(name, picture(seed)) for seed, name in enumerate(names(8))])
    load_pictures(packed, progress=lambda *report: reports.append(report))
    stages = [name for name, _ in groupby(name for name, _, _ in reports)]
    assert stages == [f"unpacking {packed.name}", f"decoding the images of {packed.name}"]
    for stage in stages:
        steps = [(done, total) for name, done, total in reports if name == stage]
        assert steps == sorted(steps)
        assert all(0 <= done <= total for done, total in steps)
