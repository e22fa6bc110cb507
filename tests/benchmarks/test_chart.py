"""The chart of speed ratios."""

from pathlib import Path

from benchmarks.chart import write_chart
from benchmarks.results import save
from tests.benchmarks.samples import SMALL


def test_chart_is_reproducible(tmp_path: Path) -> None:
    """The same results give the same image, byte for byte; without results an empty chart is written."""
    save(SMALL, tmp_path)
    charts = []
    for name in ("a.svg", "b.svg"):
        write_chart(tmp_path, tmp_path / name)
        charts.append((tmp_path / name).read_bytes())
    assert charts[0] == charts[1]
    write_chart(tmp_path / "none", tmp_path / "c.svg")
