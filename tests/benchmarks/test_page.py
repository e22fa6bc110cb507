import re
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.aims import AIMS, Aim
from benchmarks.chart import write_chart
from benchmarks.lines import LINES, Line
from benchmarks.render import PAGE, render
from benchmarks.results import FOLDER, Measured, read, save
from benchmarks.timing import QUICK, Effort
from tests.benchmarks.samples import measured

SMALL = measured(
    "cnn-small",
    {"optotype bf16": (1.0, 3.0, 2.0), "optotype fp32": (4.0,), "keras jax": (13.0,), "torch bf16": (18.0,)},
    tried={"torch bf16": 17.0, "keras jax": 12.0},
    checks={"optotype bf16": 0.98, "optotype fp32": 0.98, "keras jax": 0.97, "torch bf16": 0.5},
    peaks={"optotype bf16": (50.0,), "optotype fp32": (10.0,)},
)


def aim(line: str, prefix: str) -> Aim:
    """Find an aim by its first words."""
    return next(entry for entry in AIMS if entry.line == line and entry.text.startswith(prefix))


def test_results_page_is_up_to_date() -> None:
    """benchmarks/RESULTS.md equals the page that is rendered from its results."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_results_contain_no_absolute_path() -> None:
    """No result contains an absolute path, and every result file belongs to a line of the benchmark."""
    for file in sorted(FOLDER.glob("*.json")):
        assert file.stem in LINES
        assert not re.search(r'"(/|[A-Za-z]:\\|~)', file.read_text(encoding="utf-8")), file.name


def test_ratio_uses_the_fastest_peer() -> None:
    """The ratio is the fastest peer's median divided by the median of optotype's default side."""
    assert SMALL.fastest() == "keras jax"
    assert SMALL.times() == 6.5
    assert SMALL.times("torch") == 9.0
    speed_ratio = aim("cnn-small", "at least 6 times")
    assert speed_ratio.reached(SMALL)
    assert speed_ratio.formatted(SMALL) == "6.50 times"


def test_share_uses_the_peak_of_its_precision() -> None:
    """10 GFLOP in 2 s are 10 % of 50 GFLOP/s, which misses 12 %; 10 GFLOP in 4 s are 25 % of 10 GFLOP/s."""
    half, single = aim("cnn-small", "at least 12%"), aim("cnn-small", "at least 50%")
    assert (half.value(SMALL), single.value(SMALL)) == (0.1, 0.25)
    assert not half.reached(SMALL)
    without = measured("cnn-small", {"optotype fp32": (1.0,)}, peaks={"optotype fp32": (10.0,)})
    assert half.value(without) == 0


@pytest.mark.parametrize(
    ("line", "prefix", "values", "expected"),
    [
        ("growth", "time per image", {"1 images": (1.0,), "2 images": (1.2, 1.3, 1.25)}, 0.25),
        (
            "augmentation",
            "at most 15",
            {
                "images as they are": (0.5,),
                "shift, flip, rotation and scale": (0.625,),
                "elastic deformation": (9.0,),
            },
            0.25,
        ),
        ("install", "at most", {"a 1": (60.0,), "b 2": (69.5,)}, 129.5),
        (
            "start",
            "import",
            {"bare Python": (0.25,), "import optotype": (0.5,), "optotype --help": (1,)},
            0.25,
        ),
        (
            "memory",
            "cnn-small",
            {"cnn-small above": (9.0,), "cnn-small data": (4.0,), "cnn-small plan": (2.0,)},
            1.5,
        ),
    ],
)
def test_aims_without_peers(
    line: str, prefix: str, values: dict[str, tuple[float, ...]], expected: float
) -> None:
    """Growth is a spread, install a sum, start a difference, memory and augmentation are ratios."""
    assert aim(line, prefix).value(measured(line, values)) == pytest.approx(expected)


def test_every_line_has_an_aim_and_every_aim_a_line() -> None:
    """Every measured line has an aim, and every aim belongs to a measured line."""
    assert {aim.line for aim in AIMS} == set(LINES)


def test_page_has_every_setting(tmp_path: Path) -> None:
    """The page shows every side's median, range and check, and every setting that was tried."""
    save(SMALL, tmp_path)
    page = render(tmp_path)
    assert "| Epoch of cnn-small | at least 6 times as fast as the fastest peer | 6.50 times | yes |" in page
    assert "| optotype bf16 | 2 | 1 to 3 | 1.00 | 0.98 | 10% of 50 GFLOP/s |" in page
    assert "| torch bf16 | 18 |  | 9.00 | 0.5 | |" in page
    assert "Settings tried, s: keras jax 12; torch bf16 17." in page


def test_chart_is_reproducible(tmp_path: Path) -> None:
    """The same results give the same image, byte for byte; without results an empty chart is written."""
    save(SMALL, tmp_path)
    charts = []
    for name in ("a.svg", "b.svg"):
        write_chart(tmp_path, tmp_path / name)
        charts.append((tmp_path / name).read_bytes())
    assert charts[0] == charts[1]
    write_chart(tmp_path / "none", tmp_path / "c.svg")


def test_interrupted_measurement_keeps_finished_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line is saved as soon as it is measured, so that a later failure does not lose it."""

    def fail(_line: str, _effort: Effort) -> Measured:
        raise KeyboardInterrupt

    lines = {"cnn-small": Line("a", 1, lambda *_: SMALL), "growth": Line("b", 1, fail)}
    monkeypatch.setattr(command, "LINES", lines)
    with pytest.raises(KeyboardInterrupt):
        command.measure(list(lines), QUICK, tmp_path)
    assert read("cnn-small", tmp_path) == SMALL
    assert read("growth", tmp_path) is None
