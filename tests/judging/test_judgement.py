"""Judgements: their text and their score."""

from dataclasses import replace

import numpy as np
import pytest

from optotype.data.openings import Opening
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.errors import DataError
from optotype.judging.judgement import (
    Baseline,
    Bin,
    CalibrationCheck,
    Judgement,
    LabelSets,
    NoveltyCheck,
    Reliability,
    RobustnessCurve,
)
from optotype.judging.scores import score
from optotype.metrics import Estimate
from optotype.runs.predictions import Predictions


def full_judgement() -> Judgement:
    """Return a judgement with every part, on 40 images of four classes; the class "d" has no images."""
    labels = np.arange(40) % 3
    logits = (
        np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
        + 3 * np.eye(4, dtype=np.float32)[labels]
    )
    share = Estimate(0.5, 0.4, 0.6)
    reliability = Reliability(share, share, (Bin(0.4, 0.6, 40, 0.5, share),))
    return Judgement(
        target="run",
        data="pets",
        on="test",
        splits={
            "train": None,
            "validation": None,
            "test": score(Predictions(np.arange(40), labels, logits), tuple("abcd")),
        },
        calibration=CalibrationCheck(1.25, 50, reliability, reliability),
        label_sets=LabelSets(0.99, share, share, 1.5, 4),
        novelty=NoveltyCheck(0.01, share),
        baselines=(Baseline("always a", 100, share, 30),),
        robustness=(RobustnessCurve("shifted", "pixels", (0, 1.5), (share, share), 40),),
        diagnoses=(Diagnosis("tiny", "It is tiny.", "40 images", "Add more.", severe=True),),
        notes=("A note.",),
        openings=(Opening("2026-01-01T00:00:00+00:00", "judge run"),),
        test_fingerprint="sha256:0",
    )


def test_a_judgement_prints_its_accuracy() -> None:
    """The text has the accuracy with its interval, n, and the opening if there was one."""
    judgement = full_judgement()
    accuracy = judgement.score.accuracy
    text = f"accuracy {accuracy.value:.4f} [{accuracy.low:.4f}, {accuracy.high:.4f}], n = 40"
    assert str(judgement) == f"{text}, opening 1 of this test set"
    assert str(replace(judgement, openings=())) == text


def test_a_missing_score_raises_an_error() -> None:
    """A judgement without a score of the split ``on`` has no verdict."""
    with pytest.raises(DataError, match="has no new score"):
        _ = replace(full_judgement(), on="new").score
