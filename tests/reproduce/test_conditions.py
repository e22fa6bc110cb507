"""Diagnoses of planted faults: how they are counted."""

from pathlib import Path

import numpy as np

from reproduce.conditions import FILE, Trial, Trials, diagnoses_section, is_worse_than
from reproduce.diagnoses import PlannedTrial, planned_trials, planted_data
from reproduce.machine import this_machine

LOW = "learning_rate_too_low"


def trial(condition: str, factor: float, validation: float, *kinds: str, net: str = "cnn-small") -> Trial:
    """Create the record of a training."""
    return Trial(
        condition=condition,
        data="mnist",
        net=net,
        factor=factor,
        train=0.9,
        validation=validation,
        test=0.9,
        first=0.1,
        kinds=kinds,
    )


def test_learning_rate_is_wrong_if_a_larger_one_is_a_point_better() -> None:
    """Ten times the rate must give 0.01 more on validation; without that training the result is None."""
    trials = [trial("rate", 0.1, 0.90, LOW), trial("rate", 1.0, 0.92), trial("rate", 10.0, 0.925)]
    assert [is_worse_than(trials, item, 10.0) for item in trials] == [True, False, None]
    assert is_worse_than(trials, trials[1], 0.1) is False


def test_tables_count_diagnoses(tmp_path: Path) -> None:
    """Found, missed and false diagnoses are counted; without results the section has the command."""
    assert diagnoses_section(tmp_path) == ["None yet: `.venv/bin/python -m reproduce.diagnoses`."]
    trials = (
        trial("rate", 0.1, 0.90, LOW),
        trial("rate", 1.0, 0.92, LOW),
        trial("rate", 10.0, 0.925),
        trial("leak", 1.0, 0.9, "leak", "overfitting"),
        trial("healthy", 1.0, 0.9),
        trial("deep sigmoid", 1.0, 0.9),
    )
    results = Trials(machine=this_machine(), versions={}, trials=trials)
    (tmp_path / FILE).write_text(results.model_dump_json(), encoding="utf-8")
    page = "\n".join(diagnoses_section(tmp_path))
    assert "| learning rate too low | 1 | 1 | 1 of 1 |" in page
    assert "| leak | leak | 1 | 1 | overfitting 1 |" in page
    assert "| mnist | cnn-small | 0.9000 | 0.9000 | none |" in page
    assert "| deep sigmoid | 0.1000 | 0.9000 |" in page


def test_planted_conditions_match_their_names() -> None:
    """A tenth of the labels differ, a class is rare, and every training is planned once."""
    clean, noisy, rare = (
        planted_data(PlannedTrial(condition, "mnist", "cnn-small"))
        for condition in ("rate", "noise 10 %", "rare class")
    )
    assert 0.08 < np.mean(clean.labels != noisy.labels) < 0.12
    assert 0 < np.bincount(rare.labels)[5] < 0.1 * np.bincount(clean.labels)[5]
    planned = list(planned_trials())
    assert len(set(planned)) == len(planned)
