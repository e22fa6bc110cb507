"""How often intervals hold the truth: simulated anew here with fewer sets, and the table of it."""

from pathlib import Path

import pytest

from reproduce.coverage import ACCURACIES, SIZES, coverage_section, of_others, of_shares, read
from reproduce.results import FOLDER


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_wilson_intervals_hold_the_true_accuracy(accuracy: float) -> None:
    """Of 2,000 simulated sets of 10,000 images, 93 to 97 % of the intervals hold the truth."""
    assert 0.93 <= of_shares(accuracy, 10_000, 2_000) <= 0.97


def test_bootstrap_intervals_hold_the_truth() -> None:
    """Of 150 simulated sets of 1,000 images, as many as chance allows; of the calibration error no fewer."""
    held = of_others(1_000, 150)
    assert all(0.90 <= held[name] <= 0.99 for name in ("macro F1", "kappa", "log loss"))
    assert held["calibration error"] >= 0.93


def test_the_table_has_a_row_for_each_size(tmp_path: Path) -> None:
    """What was simulated is all there; without it the command is named."""
    assert {row.n for row in read(FOLDER).rows} == set(SIZES)
    assert all(f"\n| {n:,} | " in coverage_section(FOLDER)[1] for n in SIZES)
    assert "reproduce.coverage" in coverage_section(tmp_path)[0]
