"""The progress of a training: rows and a bar on a terminal, plain lines on a pipe, JSON for programs."""

import io
import json
import re
from collections.abc import Sequence

import pytest
from rich.console import Console

from optotype.cli.training_progress import training_progress
from optotype.runs.epoch import Epoch
from optotype.training.loop import Progress

WITHOUT_VALIDATION = Epoch(1, 0.5, 0.75, None, None, 0.001, 2.0, 1000)
WITH_VALIDATION = Epoch(2, 0.25, 0.875, 0.125, 0.9375, 0.001, 0.5, 1000)
REPORTS = (
    Progress(1, 2, 500, 1000, 1.0),
    Progress(1, 2, 1000, 1000, 2.0, WITHOUT_VALIDATION),
    Progress(2, 2, 500, 1000, 0.25),
    Progress(2, 2, 1000, 1000, 0.5, WITH_VALIDATION),
)


def _output(reports: Sequence[Progress], *, terminal: bool, json: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, color_system=None, highlight=False)
    with training_progress(console, json=json) as report:
        for progress in reports:
            report(progress)
    return stream.getvalue()


def test_pipe_gets_one_line_per_epoch() -> None:
    """Each line names its numbers; values that were not measured are left out."""
    lines = _output(REPORTS, terminal=False).splitlines()
    assert lines == [
        "epoch 1/2  loss 0.5000  accuracy 0.7500  2.0 s  500 images/s",
        "epoch 2/2  loss 0.2500  accuracy 0.8750  val_loss 0.1250  val_accuracy 0.9375  0.5 s  2,000 images/s",
    ]


def test_terminal_shows_rows_and_a_bar() -> None:
    """Finished epochs are rows of equal length under a heading; the bar shows epoch, share, time left and speed."""
    output = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", _output(REPORTS, terminal=True))
    heading = next(line for line in output.splitlines() if "val_accuracy" in line)
    rows = [line for line in output.splitlines() if line.startswith(("    1/2", "    2/2"))]
    assert len(rows) == 2
    assert {len(row) for row in rows} == {len(heading)}
    assert "epoch 1/2" in output
    assert " 50 %" in output
    assert "left" in output
    assert "2,000 images/s" in output


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """TERM=dumb is treated as a pipe."""
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in _output(REPORTS, terminal=True)


def test_json_is_one_object_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line on standard output is JSON with the epoch's numbers, and nothing else is printed."""
    assert _output(REPORTS, terminal=True, json=True) == ""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert [line["val_loss"] for line in lines] == [None, 0.125]
    assert {line["event"] for line in lines} == {"epoch"}


def test_zero_time_has_no_speed() -> None:
    """An epoch of 0 s is shown without a speed instead of a division by zero."""
    instant = Epoch(1, 0.5, 0.75, None, None, 0.001, 0.0, 10)
    assert "- images/s" in _output([Progress(1, 1, 10, 10, 0.0, instant)], terminal=False)
    assert "-:--" in _output([Progress(1, 1, 0, 10, 0.0)], terminal=True)
