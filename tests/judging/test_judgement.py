"""A judgement as plain values: written, read again, and refused where it is something else."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optotype.data.sealed import Opening
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.errors import DataError, RunError
from optotype.judging.judgement import (
    Baseline,
    Bin,
    CalibrationCheck,
    Judgement,
    LabelSets,
    NoveltyCheck,
    Reliability,
    RobustnessCurve,
    read_judgement,
)
from optotype.judging.scores import score
from optotype.metrics import Estimate
from optotype.runs.predictions import Predictions


def full_judgement() -> Judgement:
    """Make a judgement that has everything, of 40 images of four classes of which "d" has none."""
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
        unfamiliar=NoveltyCheck(0.01, share),
        baselines=(Baseline("always a", 100, share, 30),),
        robustness=(RobustnessCurve("shifted", "pixels", (0, 1.5), (share, share), 40),),
        diagnoses=(Diagnosis("tiny", "It is tiny.", "40 images", "Add more.", severe=True),),
        notes=("A note.",),
        openings=(Opening("2026-01-01T00:00:00+00:00", "judge run"),),
        test_fingerprint="sha256:0",
    )


def test_a_judgement_is_read_as_it_was_written() -> None:
    """Through JSON text and back nothing changes."""
    judgement = full_judgement()
    assert read_judgement(json.loads(json.dumps(judgement.to_json(), allow_nan=False))) == judgement


def test_a_judgement_reads_as_a_sentence() -> None:
    """The accuracy comes with its interval, the number of images and the opening, if there was one."""
    judgement = full_judgement()
    accuracy = judgement.score.accuracy
    said = f"accuracy {accuracy.value:.4f} [{accuracy.low:.4f}, {accuracy.high:.4f}], n = 40"
    assert str(judgement) == f"{said}, opening 1 of this test set"
    assert str(replace(judgement, openings=())) == said


def test_a_judgement_without_its_score_says_so() -> None:
    """A judgement whose verdict is about a split that it lacks has no score."""
    with pytest.raises(DataError, match="has no new score"):
        _ = replace(full_judgement(), on="new").score


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda kept: kept.pop(name)


@pytest.mark.parametrize(
    "damage",
    [
        _without("format"),
        _without("splits"),
        lambda kept: kept.update(format=1),
        lambda kept: kept.update(on="train"),
        lambda kept: kept.update(notes=3),
        lambda kept: kept["splits"].update(test={"n": "many"}),
        lambda kept: kept.clear(),
        lambda kept: kept["splits"].update(test=None),
        lambda kept: kept["splits"]["test"]["accuracy"].update(value=float("nan")),
        lambda kept: kept["baselines"][0]["accuracy"].update(high=float("inf")),
    ],
)
def test_something_else_is_refused(damage: Callable[[dict[str, Any]], object]) -> None:
    """Of another format, with a field missing or wrong: a sentence says so."""
    kept: dict[str, Any] = full_judgement().to_json()
    damage(kept)
    with pytest.raises(RunError, match="Judge the run again"):
        read_judgement(kept)


def test_evidence_is_never_read_from_a_file() -> None:
    """What a file brings in its place is left out."""
    assert read_judgement({**full_judgement().to_json(), "evidence": {"images": []}}).evidence is None
