"""The verdict in words."""

from dataclasses import replace

import pytest

from optotype.data.openings import Opening
from optotype.judging.judgement import Baseline
from optotype.metrics import proportion
from optotype.reporting.words import percent, verdict
from tests.judging.samples import complete, judged


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0.00 %"), (1, "100.00 %"), (0.97619, "97.62 %"), (0.999999, ">99.99 %"), (1e-9, "<0.01 %")],
)
def test_only_all_is_a_hundred_percent(share: float, words: str) -> None:
    """Shares have two digits, and nothing but 0 and 1 is rounded to 0 % and 100 %."""
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(
    ("right", "words"),
    [
        (100, "33.33 points (95\N{NO-BREAK SPACE}% interval 28.23 to 38.19) above the best"),
        (263, ") above the best"),
        (337, ") below the best"),
        (300, "cannot be told from the best"),
    ],
)
def test_a_baseline_is_beaten_only_beyond_doubt(right: int, words: str) -> None:
    """Above or below is said where the interval of the difference holds no 0, and nothing is claimed where it does."""
    judgement, _ = judged(10, 600)
    score = replace(judgement.score, accuracy=proportion(300, 600))
    others = (
        Baseline("other", 50, proportion(right, 600), 600),
        Baseline("worse", 50, proportion(1, 600), 600),
    )
    said = verdict(replace(judgement, splits={"test": score}, baselines=others))
    assert any(words in each and "other" in each for each in said)


def test_the_verdict_says_what_weighs() -> None:
    """Accuracy with its interval first, then the opening, calibration, baseline and the gravest diagnosis."""
    judgement, _ = judged()
    said = verdict(complete(judgement))
    assert [each.split()[0] for each in said[1:]] == ["This", "Its", "Its", "Beware:"]
    assert "60 test images are classified right" in said[0]
    again = replace(judgement, openings=(Opening("2026-01-01", "one"), Opening("2026-01-02", "two")))
    assert "opening 2 of this test set: if anything was chosen after" in verdict(again)[1]
    assert len(verdict(replace(judgement, openings=()))) == 1
