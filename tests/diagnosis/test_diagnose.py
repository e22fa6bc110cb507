"""The whole diagnosis: planted faults are found, no others are reported, and diagnoses are well formed."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.diagnosis.diagnose import CHECKS, EXPLAINED_BY, diagnose
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.judging.judgement import Evidence, Judgement
from optotype.runs.run import Run
from tests.diagnosis.planted import PLANTED, judged

Find = Callable[[str], tuple[Run, Judgement, tuple[Diagnosis, ...]]]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Find:
    """Train, judge and diagnose each planted run once."""
    folder: Path = tmp_path_factory.mktemp("runs")
    results: dict[str, tuple[Run, Judgement, tuple[Diagnosis, ...]]] = {}

    def find_once(name: str) -> tuple[Run, Judgement, tuple[Diagnosis, ...]]:
        if name not in results:
            run, judgement = judged(name, folder)
            results[name] = run, judgement, diagnose(run, judgement)
        return results[name]

    return find_once


@pytest.mark.parametrize("name", PLANTED)
def test_only_the_planted_fault_is_found(find: Find, name: str) -> None:
    """A planted fault gets its diagnosis, a healthy run gets none, and neither gets another."""
    assert {diagnosis.kind for diagnosis in find(name)[2]} == set(PLANTED[name].kinds)


@pytest.mark.parametrize("kind", CHECKS)
def test_every_check_yields_well_formed_diagnoses(find: Find, kind: str) -> None:
    """Each check has a planted run, and its diagnosis has a sentence, evidence with numbers, and an action."""
    names = [name for name, planted in PLANTED.items() if kind in planted.kinds]
    assert names
    for name in names:
        (diagnosis,) = [each for each in find(name)[2] if each.kind == kind]
        assert re.fullmatch(r"[A-Z0-9].*\.", diagnosis.message)
        assert re.search(r"\d", diagnosis.evidence)
        assert diagnosis.evidence.endswith(".")
        assert re.search(r"(train|check)\(|optotype (train|data|judge) |train again", diagnosis.advice)
        assert not re.search(
            r"\bnan\b|\binf\b|None|  ", f"{diagnosis.message} {diagnosis.evidence} {diagnosis.advice}"
        )


def test_severe_diagnoses_come_first(find: Find) -> None:
    """No severe diagnosis follows one that is not severe."""
    for name in PLANTED:
        severities = [diagnosis.severe for diagnosis in find(name)[2]]
        assert severities == sorted(severities, reverse=True)


def test_causes_are_checked_before_their_effects() -> None:
    """The checks that rule a diagnosis out run before it, so that contradictory diagnoses never appear together."""
    order = list(CHECKS)
    for kind, causes in EXPLAINED_BY.items():
        assert all(order.index(cause) < order.index(kind) for cause in causes)
    assert "learning_rate_too_high" in EXPLAINED_BY["learning_rate_too_low"]
    assert "overfitting" in EXPLAINED_BY["underfitting"]


def test_a_diagnosis_is_repeatable_and_leaves_the_model_unchanged(find: Find) -> None:
    """Experiments do not change the model, and have the same results when repeated."""
    run, judgement, first = find("rate far too low")
    assert judgement.evidence is not None
    image = judgement.evidence.images["test"][:1]
    before = run.model.logits(image)
    assert diagnose(Run.open(run.path), judgement) == diagnose(run, judgement) == first
    np.testing.assert_array_equal(run.model.logits(image), before)


def test_a_judgement_of_new_images_gets_no_diagnosis(find: Find) -> None:
    """Without evidence, or without predictions of training images, there are no diagnoses."""
    run, judgement, _ = find("rate far too high")
    assert judgement.evidence is not None
    evidence = judgement.evidence
    new = Evidence({"new": evidence.predictions["test"]}, {"new": evidence.images["test"]}, {"new": None})
    assert diagnose(run, replace(judgement, evidence=None)) == ()
    assert diagnose(run, replace(judgement, on="new", evidence=new)) == ()


def test_the_advised_rate_is_better(find: Find) -> None:
    """From a rate far too high or too low, one advice leads to within a factor of 30 of a good rate."""
    for name in ("rate far too high", "rate far too low", "rate near zero"):
        (diagnosis,) = [each for each in find(name)[2] if each.kind.startswith("learning_rate")]
        rate = float(re.search(r"'optimizer.learning_rate': ([\d.e+-]+)", diagnosis.advice)[1])  # type: ignore[index] # a missing match fails the test
        assert 0.003 / 30 <= rate <= 0.003 * 30


def test_overfitting_starts_after_the_best_epoch(find: Find) -> None:
    """The message names the epoch after the one with the smallest validation loss."""
    run, _, diagnoses = find("memorized labels")
    (message,) = [each.message for each in diagnoses if each.kind == "overfitting"]
    best = min(run.epochs, key=lambda epoch: epoch.val_loss or 0.0).epoch
    assert f"from epoch {best + 1} on" in message


def test_a_leak_is_counted(find: Find) -> None:
    """The evidence has the number of leaked test images, and the accuracy on the others."""
    _, judgement, (leak,) = find("a leak")
    assert judgement.evidence is not None
    predictions = judgement.evidence.predictions["test"]
    # The first 100 test images are the last 100 training images, of which 75 are not for validation.
    fresh = slice(100, None)
    correct = predictions.logits.argmax(axis=1) == predictions.labels
    assert re.match(r"\d+ of 1,000 images", leak.evidence)
    assert abs(float(leak.evidence.split("without them ")[1][:6]) - correct[fresh].mean()) < 0.01
