"""Progress of unpacking."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import pytest

from optotype.data.sources.picture_sets import load_pictures
from tests.data.picture_files import names, picture
from tests.data.sources.test_archives import write_tar, write_zip


@pytest.mark.parametrize(("write", "ending"), [(write_zip, ".zip"), (write_tar, ".tar.xz")])
def test_an_archive_reports_progress(
    tmp_path: Path, write: Callable[[Path, Sequence[tuple[str, bytes]]], Path], ending: str
) -> None:
    """Unpacking and decoding report progress in turn, with done and total, never decreasing."""
    told: list[tuple[str, int, int]] = []
    packed = write(tmp_path / f"pets{ending}", [(name, picture(seed)) for seed, name in enumerate(names(8))])
    load_pictures(packed, progress=lambda *each: told.append(each))
    stages = [what for what, _ in groupby(what for what, _, _ in told)]
    assert stages == [f"unpacking {packed.name}", f"decoding the images of {packed.name}"]
    for stage in stages:
        steps = [(done, total) for what, done, total in told if what == stage]
        assert steps == sorted(steps)
        assert all(0 <= done <= total for done, total in steps)
