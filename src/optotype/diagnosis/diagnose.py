"""diagnose: every check in turn; a check is skipped where what was found already explains it, or rules it out."""

from collections.abc import Callable, Mapping
from typing import Final

from optotype.diagnosis.case import Case
from optotype.diagnosis.enough import no_better_than_simpler, too_few
from optotype.diagnosis.fitting import overfitting, underfitting
from optotype.diagnosis.images import imbalance, label_noise, leak
from optotype.diagnosis.layers import dead_units, saturated_units
from optotype.diagnosis.learning import (
    not_learning,
    rate_too_high,
    rate_too_low,
    vanishing_gradients,
)
from optotype.judging.judgement import Diagnosis, Judgement
from optotype.runs.run import Run

Check = Callable[[Case], Diagnosis | None]

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
"""Every check by the kind of its diagnosis, in the order in which they are made: causes before what they explain."""

EXPLAINED: Final[Mapping[str, frozenset[str]]] = {
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
"""For a kind, the kinds after which it is not looked for: they are its cause, or contradict it."""


def diagnose(run: Run, judgement: Judgement) -> tuple[Diagnosis, ...]:
    """Look for what is wrong with a run, or could be better.

    Args:
        run: A finished run.
        judgement: Its judgement, with evidence.

    Returns:
        The gravest first; none where there is nothing to complain about, and none where the judgement has no evidence
        of the training images, as on new pictures.
    """
    if judgement.evidence is None or "train" not in judgement.evidence.predictions or not run.epochs:
        return ()
    case = Case(run, judgement)
    found: dict[str, Diagnosis] = {}
    for kind, check in CHECKS.items():
        if found.keys() & EXPLAINED.get(kind, frozenset()):
            continue
        diagnosis = check(case)
        if diagnosis is not None:
            found[kind] = diagnosis
    return tuple(sorted(found.values(), key=lambda each: not each.severe))
