"""The whole diagnosis: planted conditions are found, nothing else is said, and what is said is well formed."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.diagnosis.diagnose import CHECKS, EXPLAINED, diagnose
from optotype.judging.judgement import Diagnosis, Evidence, Judgement
from optotype.runs.run import Run
from tests.diagnosis.planted import PLANTED, judged

Find = Callable[[str], tuple[Run, Judgement, tuple[Diagnosis, ...]]]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Find:
    """Train, judge and diagnose a planted condition, once."""
    folder: Path = tmp_path_factory.mktemp("runs")
    known: dict[str, tuple[Run, Judgement, tuple[Diagnosis, ...]]] = {}

    def look(name: str) -> tuple[Run, Judgement, tuple[Diagnosis, ...]]:
        if name not in known:
            run, judgement = judged(name, folder)
            known[name] = run, judgement, diagnose(run, judgement)
        return known[name]

    return look


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_and_nothing_else(find: Find, name: str) -> None:
    """A planted condition gets its diagnosis, a healthy run none, and neither gets any other."""
    assert {each.kind for each in find(name)[2]} == set(PLANTED[name].kinds)


@pytest.mark.parametrize("kind", CHECKS)
def test_every_check_yields_well_formed_diagnoses(find: Find, kind: str) -> None:
    """Under its kind a check says a sentence, gives numbers, and ends with something to do; each has a planted run."""
    names = [name for name, planted in PLANTED.items() if kind in planted.kinds]
    assert names
    for name in names:
        (found,) = [each for each in find(name)[2] if each.kind == kind]
        assert re.fullmatch(r"[A-Z0-9].*\.", found.message)
        assert re.search(r"\d", found.evidence)
        assert found.evidence.endswith(".")
        assert re.search(r"(train|check)\(|optotype (train|data|judge) |train again", found.advice)
        assert not re.search(r"\bnan\b|\binf\b|None|  ", f"{found.message} {found.evidence} {found.advice}")


def test_the_gravest_come_first(find: Find) -> None:
    """No grave diagnosis stands behind one that is not."""
    for name in PLANTED:
        graves = [each.severe for each in find(name)[2]]
        assert graves == sorted(graves, reverse=True)


def test_causes_are_looked_for_before_what_they_explain() -> None:
    """What rules a diagnosis out is made before it, so that two that contradict each other are never both given."""
    order = list(CHECKS)
    for kind, causes in EXPLAINED.items():
        assert all(order.index(cause) < order.index(kind) for cause in causes)
    assert "learning_rate_too_high" in EXPLAINED["learning_rate_too_low"]
    assert "overfitting" in EXPLAINED["underfitting"]


def test_a_diagnosis_changes_nothing_and_repeats_itself(find: Find) -> None:
    """The experiments leave the model as it was, and come out the same when they are made again."""
    run, judgement, first = find("rate far too low")
    assert judgement.evidence is not None
    image = judgement.evidence.images["test"][:1]
    before = run.model.logits(image)
    assert diagnose(Run.open(run.path), judgement) == diagnose(run, judgement) == first
    np.testing.assert_array_equal(run.model.logits(image), before)


def test_new_pictures_alone_are_not_diagnosed(find: Find) -> None:
    """Without evidence, or without what the model says of its training images, nothing is said."""
    run, judgement, _ = find("rate far too high")
    assert judgement.evidence is not None
    seen = judgement.evidence
    new = Evidence({"new": seen.predictions["test"]}, {"new": seen.images["test"]}, {"new": None})
    assert diagnose(run, replace(judgement, evidence=None)) == ()
    assert diagnose(run, replace(judgement, on="new", evidence=new)) == ()


def test_the_rate_to_try_is_a_better_one(find: Find) -> None:
    """From a rate a thousand times too high or too low one advice leads to within a factor of 30 of the good."""
    for name in ("rate far too high", "rate far too low", "rate next to nothing"):
        (found,) = [each for each in find(name)[2] if each.kind.startswith("learning_rate")]
        rate = float(re.search(r"'optimizer.learning_rate': ([\d.e+-]+)", found.advice)[1])  # type: ignore[index] # found, or the test fails
        assert 0.003 / 30 <= rate <= 0.003 * 30


def test_what_is_overfitted_since_when_is_what_the_epochs_say(find: Find) -> None:
    """The epoch named is the one after the smallest validation loss."""
    run, _, found = find("learnt by heart")
    (said,) = [each.message for each in found if each.kind == "overfitting"]
    best = min(run.epochs, key=lambda epoch: epoch.val_loss or 0.0).epoch
    assert f"from epoch {best + 1} on" in said


def test_a_leak_is_counted(find: Find) -> None:
    """The number of leaked test images is said, and the accuracy without them is that of the others."""
    _, judgement, (leak,) = find("a leak")
    assert judgement.evidence is not None
    said = judgement.evidence.predictions["test"]
    fresh = slice(
        100, None
    )  # the first hundred test images are the last hundred training images, 75 not for validation
    right = said.logits.argmax(axis=1) == said.labels
    assert re.match(r"\d+ of 1,000 images", leak.evidence)
    assert abs(float(leak.evidence.split("without them ")[1][:6]) - right[fresh].mean()) < 0.01
