"""diagnose: runs every check in order, and skips those that an earlier diagnosis explains or rules out."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from optotype.diagnosis.accuracy import no_better_than_simpler, too_few
from optotype.diagnosis.context import DiagnosisContext
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.diagnosis.fitting import overfitting, underfitting
from optotype.diagnosis.images import imbalance, label_noise, leak
from optotype.diagnosis.layers import dead_units, saturated_units
from optotype.diagnosis.learning import (
    not_learning,
    rate_too_high,
    rate_too_low,
    vanishing_gradients,
)
from optotype.runs.run import Run

if TYPE_CHECKING:
    from optotype.judging.judgement import Judgement

Check = Callable[[DiagnosisContext], Diagnosis | None]

CHECKS: Final[Mapping[str, Check]] = {
    "leak": leak,
    "not_learning": not_learning,
    "too_few_images": too_few,
    "learning_rate_too_high": rate_too_high,
    "vanishing_gradients": vanishing_gradients,
    "learning_rate_too_low": rate_too_low,
    "label_noise": label_noise,
    "dead_units": dead_units,
    "saturated_units": saturated_units,
    "overfitting": overfitting,
    "underfitting": underfitting,
    "imbalance": imbalance,
    "no_better_than_simpler": no_better_than_simpler,
}
"""Every check by the kind of its diagnosis, in the order in which they run: causes before their effects."""

EXPLAINED_BY: Final[Mapping[str, frozenset[str]]] = {
    "learning_rate_too_low": frozenset({"learning_rate_too_high", "vanishing_gradients"}),
    "dead_units": frozenset({"learning_rate_too_low"}),
    "saturated_units": frozenset({"learning_rate_too_low"}),
    "label_noise": frozenset(
        {"not_learning", "learning_rate_too_high", "vanishing_gradients", "learning_rate_too_low"}
    ),
    "overfitting": frozenset({"not_learning", "learning_rate_too_high"}),
    "underfitting": frozenset(
        {
            "not_learning",
            "learning_rate_too_high",
            "vanishing_gradients",
            "learning_rate_too_low",
            "label_noise",
            "dead_units",
            "saturated_units",
            "overfitting",
        }
    ),
    "no_better_than_simpler": frozenset({"not_learning", "underfitting"}),
}
"""For each kind the kinds after which its check is skipped: they are its cause, or contradict it."""


def diagnose(run: Run, judgement: "Judgement") -> tuple[Diagnosis, ...]:
    """Find likely faults of a run and possible improvements.

    Args:
        run: A finished run.
        judgement: Its judgement, with evidence.

    Returns:
        The diagnoses, severe ones first. Empty if nothing is wrong, and if the judgement has no evidence of the
        training images, as after judging new images.
    """
    if judgement.evidence is None or "train" not in judgement.evidence.predictions or not run.epochs:
        return ()
    context = DiagnosisContext(run, judgement)
    diagnoses: dict[str, Diagnosis] = {}
    for kind, check in CHECKS.items():
        if diagnoses.keys() & EXPLAINED_BY.get(kind, frozenset()):
            continue
        diagnosis = check(context)
        if diagnosis is not None:
            diagnoses[kind] = diagnosis
    return tuple(sorted(diagnoses.values(), key=lambda diagnosis: not diagnosis.severe))
