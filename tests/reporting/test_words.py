"""Formatting of numbers, and the sentences of a verdict."""

from dataclasses import replace

import pytest

from optotype.data.openings import Opening
from optotype.judging.judgement import Baseline, CalibrationCheck
from optotype.metrics import proportion
from optotype.reporting.words import (
    calibration_sentence,
    format_percent,
    verdict_sentences,
)
from tests.judging.samples import complete, judged


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.00 %"), (1, "100.00 %"), (0.97619, "97.62 %"), (0.999999, ">99.99 %"), (1e-9, "<0.01 %")],
)
def test_only_exact_shares_are_0_or_100_percent(share: float, text: str) -> None:
    """Shares have two decimals, and nothing but 0 and 1 is rounded to 0 % or 100 %."""
    assert format_percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("correct", "text"),
    [
        (100, "33.33 points (95\N{NO-BREAK SPACE}% interval 28.23 to 38.19) above the best"),
        (263, ") above the best"),
        (337, ") below the best"),
        (300, "cannot be distinguished from the best"),
    ],
)
def test_a_baseline_is_beaten_only_if_the_interval_excludes_0(correct: int, text: str) -> None:
    """The verdict says above or below if the interval of the difference excludes 0, and neither otherwise."""
    judgement, _ = judged(10, 600)
    score = replace(judgement.score, accuracy=proportion(300, 600))
    others = (
        Baseline("other", 50, proportion(correct, 600), 600),
        Baseline("worse", 50, proportion(1, 600), 600),
    )
    sentences = verdict_sentences(replace(judgement, splits={"test": score}, baselines=others))
    assert any(text in sentence and "other" in sentence for sentence in sentences)


def test_the_verdict_has_the_most_important_sentence_first() -> None:
    """Accuracy with its interval first, then opening, calibration, best baseline and the most severe diagnosis."""
    judgement, _ = judged()
    sentences = verdict_sentences(complete(judgement))
    assert len(sentences) == 5
    for sentence, text in zip(
        sentences,
        ("60 test images", "opening 1", "Calibration error", "best baseline", "Severe"),
        strict=True,
    ):
        assert text in sentence
    again = replace(judgement, openings=(Opening("2026-01-01", "one"), Opening("2026-01-02", "two")))
    assert "opening 2 of this test set. If a choice was made after" in verdict_sentences(again)[1]
    assert len(verdict_sentences(replace(judgement, openings=()))) == 1


def test_the_verdict_tells_if_calibration_did_not_help() -> None:
    """The calibration error after and before calibration are given; a warning follows if it did not decrease."""
    check = complete(judged()[0]).calibration
    assert isinstance(check, CalibrationCheck)
    assert calibration_sentence(check) == "Calibration error: 1.23 points (3.12 before calibration)."
    reverse = replace(check, before=check.after, after=check.before)
    assert "3.12 points (1.23 before calibration; calibration did not help here)" in calibration_sentence(
        reverse
    )
