"""Coverage of the intervals: simulated with fewer sets, and the table of the saved results."""

from pathlib import Path

import pytest

from reproduce.coverage import ACCURACIES, SIZES, bootstrap_coverage, coverage_section, read, wilson_coverage
from reproduce.results import FOLDER


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_wilson_intervals_contain_the_true_accuracy(accuracy: float) -> None:
    """In 2,000 simulated sets of 10,000 images, 93 to 97 % of the intervals contain the true accuracy."""
    assert 0.93 <= wilson_coverage(accuracy, 10_000, 2_000) <= 0.97


def test_bootstrap_intervals_contain_the_true_value() -> None:
    """In 150 simulated sets of 1,000 images, the coverage is near 95 %, and not lower for the calibration error."""
    coverage = bootstrap_coverage(1_000, 150)
    assert all(0.90 <= coverage[name] <= 0.99 for name in ("macro F1", "kappa", "log loss"))
    assert coverage["calibration error"] >= 0.93


def test_table_has_a_row_for_each_size(tmp_path: Path) -> None:
    """The saved results have every size; without results the section names the command."""
    assert {row.n for row in read(FOLDER).rows} == set(SIZES)
    assert all(f"\n| {n:,} | " in coverage_section(FOLDER)[1] for n in SIZES)
    assert "reproduce.coverage" in coverage_section(tmp_path)[0]
