"""Printed judgements: all values are printed, one fact per line on a pipe."""

from dataclasses import replace

import pytest

from optotype.cli.print_judgement import print_judgement
from optotype.cli.terminal import make_console
from tests.judging.test_judgement import full_judgement

LABEL_SETS = (
    "label sets   contain the true class for 50.0 % of images [40.0, 60.0] (target 99 %); 1.50 classes on average,"
    " at most 4"
)


def test_all_values_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """There is one row per split, one line per fact, and the verdict at the end. README.md quotes these lines."""
    print_judgement(make_console(), full_judgement())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(" train")] == [["train", "0"]]
    for start in (
        "weakest      ",
        "calibration  error (ECE) 0.5000 [0.4000, 0.6000], 0.5000 [0.4000, 0.6000] before; temperature 1.250",
        LABEL_SETS,
        "novelty      50.0 % [40.0, 60.0] of the images are flagged as novel; 1.0 % of the validation images",
        "baseline     always a: 0.5000 [0.4000, 0.6000] (trained on 100 images, evaluated on 30)",
        "robustness   shifted (pixels): 0.500 at 0, 0.500 at 1.5; n = 40",
        "diagnosis    It is tiny. Add more.",
        "note         A note.",
    ):
        assert any(line.startswith(start) for line in lines), start
    assert lines[-1] == f"test {full_judgement()}"


def test_missing_values_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Without calibration, baselines and the like only the table, the weakest classes and the verdict remain."""
    minimal = replace(
        full_judgement(),
        calibration=None,
        label_sets=None,
        novelty=None,
        baselines=(),
        robustness=(),
        diagnoses=(),
        notes=(),
    )
    print_judgement(make_console(), minimal)
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert names[-3:] == ["test", "weakest", "test"]
