"""What was said of planted conditions: how it is counted."""

from pathlib import Path

import numpy as np

from reproduce.conditions import FILE, Trial, Trials, diagnoses_section, worse_than
from reproduce.diagnoses import Plan, plans, planted_data
from reproduce.machine import this_machine

LOW = "learning_rate_too_low"


def trial(condition: str, factor: float, validation: float, *kinds: str, net: str = "cnn-small") -> Trial:
    """Make the record of a training."""
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


def test_a_rate_is_wrong_where_its_neighbour_is_a_point_better() -> None:
    """Ten times the rate must give a hundredth more on validation; without that training nothing is known."""
    trials = [trial("rate", 0.1, 0.90, LOW), trial("rate", 1.0, 0.92), trial("rate", 10.0, 0.925)]
    assert [worse_than(trials, each, 10.0) for each in trials] == [True, False, None]
    assert worse_than(trials, trials[1], 0.1) is False


def test_the_tables_count_what_was_found(tmp_path: Path) -> None:
    """Found, missed and false diagnoses are counted; without results the section says how to get them."""
    assert diagnoses_section(tmp_path) == ["None yet: `.venv/bin/python -m reproduce.diagnoses`."]
    trials = (
        trial("rate", 0.1, 0.90, LOW),
        trial("rate", 1.0, 0.92, LOW),
        trial("rate", 10.0, 0.925),
        trial("leak", 1.0, 0.9, "leak", "overfitting"),
        trial("healthy", 1.0, 0.9),
        trial("deep sigmoid", 1.0, 0.9),
    )
    written = Trials(machine=this_machine(), versions={}, trials=trials)
    (tmp_path / FILE).write_text(written.model_dump_json(), encoding="utf-8")
    page = "\n".join(diagnoses_section(tmp_path))
    assert "| learning rate too low | 1 | 1 | 1 of 1 |" in page
    assert "| leak | leak | 1 | 1 | overfitting 1 |" in page
    assert "| mnist | cnn-small | 0.9000 | 0.9000 | nothing |" in page
    assert "| deep sigmoid | 0.1000 | 0.9000 |" in page


def test_conditions_are_planted_as_they_are_called() -> None:
    """A tenth of the labels differ, a class is rare, and every plan is made once."""
    clean, noisy, rare = (
        planted_data(Plan(condition, "mnist", "cnn-small"))
        for condition in ("rate", "noise 10 %", "rare class")
    )
    assert 0.08 < np.mean(clean.labels != noisy.labels) < 0.12
    assert 0 < np.bincount(rare.labels)[5] < 0.1 * np.bincount(clean.labels)[5]
    every = list(plans())
    assert len(set(every)) == len(every)
