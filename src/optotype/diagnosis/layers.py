"""Units that answer every image alike, and so take no part."""

from typing import Final

from optotype.diagnosis.advice import edit_recipe, train_again
from optotype.diagnosis.case import Case
from optotype.diagnosis.probes import Units, start_of, units
from optotype.judging.judgement import Diagnosis

_MANY: Final = 0.5


def dead_units(case: Case) -> Diagnosis | None:
    """At least half of a layer's relu units are above 0 for no training image."""
    worst = _worst(case, ("relu",))
    if worst is None:
        return None
    start = _at_start(case, worst)
    rate = float(f"{case.recipe.optimizer.learning_rate / 10:.3g}")
    return Diagnosis(
        "dead_units",
        f"{_share(worst)} of the relu units in layer {worst.layer} are dead: they give 0 whatever the image, and no"
        " gradient can bring them back.",
        f"Never above 0 on {len(case.sample[1]):,} training images: {round(worst.stuck * worst.count):,} of"
        f" {worst.count:,} units; before training {round(start * worst.count):,}.",
        f"Large steps kill units; try a lower rate: {train_again(case.run, {'optimizer.learning_rate': rate})}",
    )


def saturated_units(case: Case) -> Diagnosis | None:
    """At least half of a layer's sigmoid or tanh units are at a limit for nearly every training image."""
    worst = _worst(case, ("sigmoid", "tanh"))
    if worst is None:
        return None
    start = _at_start(case, worst)
    change = "put BatchNormalization before that layer, or replace its activation by relu,"
    return Diagnosis(
        "saturated_units",
        f"{_share(worst)} of the {worst.activation} units in layer {worst.layer} are saturated: they sit at a limit,"
        " where hardly any gradient passes.",
        f"Within 0.01 of a limit for more than 95 % of {len(case.sample[1]):,} training images:"
        f" {round(worst.stuck * worst.count):,} of {worst.count:,} units; before training"
        f" {round(start * worst.count):,}.",
        f"Keep what enters the units small: {edit_recipe(case.run, change)}.",
    )


def _worst(case: Case, activations: tuple[str, ...]) -> Units | None:
    """Find the layer with the largest share of stuck units, if that is many."""
    found = [each for each in units(case.model.network, case, activations) if each.stuck >= _MANY]
    return max(found, key=lambda each: each.stuck, default=None)


def _at_start(case: Case, worst: Units) -> float:
    """Give that share of the same layer before training."""
    start = units(start_of(case), case, (worst.activation,))
    return next(each.stuck for each in start if each.layer == worst.layer)


def _share(worst: Units) -> str:
    return "All" if worst.stuck == 1 else f"{worst.stuck:.0%}"
