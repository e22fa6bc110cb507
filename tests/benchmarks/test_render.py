"""The rendered page of results."""

import re
from pathlib import Path

from benchmarks.lines import LINES
from benchmarks.render import PAGE, render
from benchmarks.results import FOLDER, save
from tests.benchmarks.samples import SMALL


def test_results_page_is_up_to_date() -> None:
    """benchmarks/RESULTS.md equals the page that is rendered from its results."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_results_contain_no_absolute_path() -> None:
    """No result contains an absolute path, and every result file belongs to a line of the benchmark."""
    for file in sorted(FOLDER.glob("*.json")):
        assert file.stem in LINES
        assert not re.search(r'"(/|[A-Za-z]:\\|~)', file.read_text(encoding="utf-8")), file.name


def test_page_has_every_setting(tmp_path: Path) -> None:
    """The page shows every side's median, range and check, and every setting that was tried."""
    save(SMALL, tmp_path)
    page = render(tmp_path)
    assert "| Epoch of cnn-small | at least 6 times as fast as the fastest peer | 6.50 times | yes |" in page
    assert "| optotype bf16 | 2 | 1 to 3 | 1.00 | 0.98 | 10% of 50 GFLOP/s |" in page
    assert "| torch bf16 | 18 |  | 9.00 | 0.5 | |" in page
    assert "Settings tried, s: keras jax 12; torch bf16 17." in page
