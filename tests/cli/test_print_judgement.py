"""A judgement, printed: everything that it holds is said, in lines that a pipe keeps whole."""

from dataclasses import replace

import pytest

from optotype.cli.print_judgement import print_judgement
from optotype.cli.terminal import console
from tests.judging.test_judgement import full_judgement


def test_everything_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each split, a line for each fact, and the verdict last."""
    print_judgement(console(), full_judgement())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(" train")] == [["train", "0"]]
    for start in (
        "weakest      ",
        "calibration  expected error 0.5000 [0.4000, 0.6000]; with temperature 1.250: 0.5000 [0.4000, 0.6000]",
        "label sets   they hold the class of 50.0 % [40.0, 60.0], asked for 99.0 %; 1.50 classes on average, at most 4",
        "unfamiliar   50.0 % [40.0, 60.0] of the images; of the validation images it was 1.0 %",
        "baseline     always a: 0.5000 [0.4000, 0.6000] (trained on 100 images, asked about 30)",
        "robustness   shifted (pixels): 0.500 at 0, 0.500 at 1.5; n = 40",
        "diagnosis    It is tiny. Add more.",
        "note         A note.",
    ):
        assert any(line.startswith(start) for line in lines), start
    assert lines[-1] == f"test {full_judgement()}"


def test_what_is_not_known_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Without calibration, baselines and the like there is the table, the weakest classes and the verdict."""
    bare = replace(
        full_judgement(),
        calibration=None,
        label_sets=None,
        novelty=None,
        baselines=(),
        robustness=(),
        diagnoses=(),
        notes=(),
    )
    print_judgement(console(), bare)
    said = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert said[-3:] == ["test", "weakest", "test"]
