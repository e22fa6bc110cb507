"""Checks for dead and saturated units, which contribute nothing to the network."""

from typing import Final

from optotype.diagnosis.advice import edit_recipe_advice, train_command
from optotype.diagnosis.context import DiagnosisContext
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.diagnosis.probes import LayerUnits, initial_network, measure_units

_MIN_INACTIVE_SHARE: Final = 0.5


def dead_units(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether at least half of a layer's relu units are above 0 for no training image."""
    worst = _worst_layer(context, ("relu",))
    if worst is None:
        return None
    initial_share = _initial_inactive_share(context, worst)
    rate = float(f"{context.recipe.optimizer.learning_rate / 10:.3g}")
    return Diagnosis(
        "dead_units",
        f"{_format_share(worst)} of the relu units in layer {worst.layer} are dead: they output 0 for every image, so"
        " no gradient reaches them.",
        f"{round(worst.inactive * worst.count):,} of {worst.count:,} units are never above 0 on"
        f" {len(context.sample[1]):,} training images; before training {round(initial_share * worst.count):,} were.",
        "Large steps cause dead units. Try a lower learning rate:"
        f" {train_command(context.run, {'optimizer.learning_rate': rate})}",
    )


def saturated_units(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether at least half of a layer's sigmoid or tanh units are at a limit for nearly every training image."""
    worst = _worst_layer(context, ("sigmoid", "tanh"))
    if worst is None:
        return None
    initial_share = _initial_inactive_share(context, worst)
    change = "put BatchNormalization before that layer, or replace its activation by relu,"
    return Diagnosis(
        "saturated_units",
        f"{_format_share(worst)} of the {worst.activation} units in layer {worst.layer} are saturated: their outputs"
        " are at a limit, where the gradient nearly vanishes.",
        f"{round(worst.inactive * worst.count):,} of {worst.count:,} units are within 0.01 of a limit for more than"
        f" 95 % of {len(context.sample[1]):,} training images; before training"
        f" {round(initial_share * worst.count):,} were.",
        f"Keep the inputs of the units small: {edit_recipe_advice(context.run, change)}.",
    )


def _worst_layer(context: DiagnosisContext, activations: tuple[str, ...]) -> LayerUnits | None:
    """Return the layer with the largest share of dead or saturated units, if it is at least half."""
    layers = [
        units
        for units in measure_units(context.model.network, context, activations)
        if units.inactive >= _MIN_INACTIVE_SHARE
    ]
    return max(layers, key=lambda units: units.inactive, default=None)


def _initial_inactive_share(context: DiagnosisContext, worst: LayerUnits) -> float:
    """Return the share of dead or saturated units of the same layer before training."""
    layers = measure_units(initial_network(context), context, (worst.activation,))
    return next(units.inactive for units in layers if units.layer == worst.layer)


def _format_share(units: LayerUnits) -> str:
    return "All" if units.inactive == 1 else f"{units.inactive:.0%}"
