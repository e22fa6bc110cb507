"""The command line of the benchmark."""

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.lines import Line
from benchmarks.results import Measured, read
from benchmarks.timing import QUICK, Effort
from tests.benchmarks.samples import SMALL


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
