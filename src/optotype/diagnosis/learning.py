"""Checks whether the network learns, and whether the learning rate or the layers prevent it.

The learning rate is checked by experiment: short trainings at other rates.
"""

from itertools import pairwise, takewhile
from typing import Final

from optotype.diagnosis.advice import check_command, edit_recipe_advice, train_command
from optotype.diagnosis.context import DiagnosisContext
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.diagnosis.probes import (
    feature_spread,
    gradient_ratio,
    initial_network,
    loss_after_short_training,
    sample_loss,
    short_training_images,
    short_training_steps,
    trained_network,
)

_MAX_HIGHER_RATE_RATIO: Final = 0.95
_MAX_LOWER_RATE_RATIO: Final = 0.9
_MIN_LOSS_RISE: Final = 1.1
_MIN_TRAIN_ERROR: Final = 0.02
_MIN_GRADIENT_RATIO: Final = 0.03
_MIN_STEPS: Final = 30  # of a short training; shorter ones show nothing
_MIN_FEATURE_SPREAD: Final = 0.1
_MIN_FACTOR: Final = 1e-5
_HIGHER_FACTORS: Final = tuple(10.0**power for power in range(1, 7))


def not_learning(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether training images are classified hardly better than by predicting the most frequent class."""
    if context.is_above_chance(context.train.accuracy.high):
        return None
    return Diagnosis(
        "not_learning",
        "The model has not learned to distinguish the classes: even on its training images it is hardly better than"
        " always predicting the most frequent class.",
        f"The accuracy on {context.train.n:,} training images is {context.train.accuracy.value:.1%}; always predicting"
        f" the most frequent class gives {context.chance:.1%}.",
        "Follow the diagnoses of the learning rate and the layers, if there are any. Otherwise check whether the labels"
        f" match the images: {check_command(context.run)}",
        severe=True,
    )


def rate_too_high(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether, from the initial weights, a tenth of the learning rate reaches a lower loss.

    The experiment runs only if training images are not learned, or the loss jumped.
    """
    symptom = _symptom_of_high_rate(context)
    is_learned = context.train_error < _MIN_TRAIN_ERROR
    if (not symptom and is_learned) or short_training_steps(context) < _MIN_STEPS:
        return None
    current_loss = loss_after_short_training(context, "initial", 1.0)
    lowest_loss = loss_after_short_training(context, "initial", 0.1)
    # A rate at which the weights hardly change is not better: the lower rate must itself reduce the loss.
    initial_loss = sample_loss(initial_network(context), context)
    if not (lowest_loss < _MAX_LOWER_RATE_RATIO * current_loss and lowest_loss < initial_loss):
        return None
    best_factor = 0.1
    while best_factor > _MIN_FACTOR:
        loss = loss_after_short_training(context, "initial", best_factor / 10)
        if loss >= lowest_loss:
            break
        lowest_loss, best_factor = loss, best_factor / 10
    rate = _scaled_rate(context, best_factor)
    return Diagnosis(
        "learning_rate_too_high",
        "The learning rate is too high: steps overshoot, and undo earlier progress.",
        f"{symptom}Trained again from the initial weights on {short_training_images(context):,} training images, the"
        f" loss is {current_loss:.3f} at the rate of {_scaled_rate(context):g} and {lowest_loss:.3f} at {rate:g}.",
        f"Try a lower rate: {train_command(context.run, {'optimizer.learning_rate': rate})}",
    )


def _symptom_of_high_rate(context: DiagnosisContext) -> str:
    """Return a sentence on the epoch that suggests a high learning rate; empty if none does."""
    first_loss = context.epochs[0].loss
    if first_loss > context.chance_loss:
        return (
            f"In the first epoch the mean loss was {first_loss:.3f}, above {context.chance_loss:.3f}, the loss of"
            " always predicting the class frequencies. "
        )
    for previous, epoch in pairwise(context.epochs):
        if epoch.loss > _MIN_LOSS_RISE * previous.loss and context.train_error >= _MIN_TRAIN_ERROR:
            return f"In epoch {epoch.epoch} the training loss rose from {previous.loss:.3f} to {epoch.loss:.3f}. "
    return ""


def rate_too_low(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether, from the final weights, a much higher learning rate reaches a lower loss.

    The experiment runs only if the training images are not learned yet.
    """
    if (
        context.train_error < _MIN_TRAIN_ERROR
        or context.generalization_gap > context.train_error
        or short_training_steps(context) < _MIN_STEPS
    ):
        return None
    current_loss = lowest_loss = loss_after_short_training(context, "final", 1.0)
    best_factor = 1.0
    for factor in _HIGHER_FACTORS:
        loss = loss_after_short_training(context, "final", factor)
        if loss >= lowest_loss:
            break
        lowest_loss, best_factor = loss, factor
    if lowest_loss >= _MAX_HIGHER_RATE_RATIO * current_loss:
        return None
    final_loss = sample_loss(trained_network(context), context)
    rate = _scaled_rate(context, best_factor)
    return Diagnosis(
        "learning_rate_too_low",
        "The learning rate is too low: training ended long before the network had learned all that it can.",
        f"Continued from the final weights on {short_training_images(context):,} training images, the loss goes from"
        f" {final_loss:.3f} to {current_loss:.3f} at the rate of {_scaled_rate(context):g}, and to {lowest_loss:.3f} at"
        f" {rate:g}.",
        f"Try a higher rate: {train_command(context.run, {'optimizer.learning_rate': rate})}",
    )


def vanishing_gradients(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether the first epochs were at chance, and the initial gradient hardly reached the first layer."""
    idle = list(takewhile(lambda epoch: not context.is_above_chance(epoch.accuracy), context.epochs))
    if not idle:
        return None
    network = initial_network(context)
    initial_ratio, spread = gradient_ratio(network, context), feature_spread(network, context)
    if initial_ratio >= _MIN_GRADIENT_RATIO:
        return None
    final_ratio = gradient_ratio(trained_network(context), context)
    features = (
        f" The features, the inputs of the last layer, differed between images by {spread:.1%} of their size, so all"
        " images looked alike to it."
        if spread < _MIN_FEATURE_SPREAD
        else ""
    )
    return Diagnosis(
        "vanishing_gradients",
        f"The gradient vanishes on its way to the first layers, so in {_format_first_epochs(len(idle))} the network"
        " hardly learned.",
        f"The accuracy on training images in epoch {len(idle)} was {idle[-1].accuracy:.1%}; always predicting the most"
        f" frequent class gives {context.chance:.1%}. With the initial weights a step of gradient descent changed the"
        f" first layer, relative to its weights, {_format_ratio(initial_ratio)} than the last; with the final weights"
        f" {_format_ratio(final_ratio)}.{features}",
        f"Use layers that pass the gradient on: {edit_recipe_advice(context.run, _layer_change(context))}; or an"
        " optimizer that scales the gradient of each weight:"
        f" {train_command(context.run, {'optimizer.type': 'Adam'})}",
    )


def _format_first_epochs(epochs: int) -> str:
    return "the first epoch" if epochs == 1 else f"the first {epochs} epochs"


def _format_ratio(ratio: float) -> str:
    if ratio == 0:
        return "infinitely less"
    return f"{1 / ratio:,.1f} times less" if ratio < 1 else f"{ratio:,.1f} times more"


def _layer_change(context: DiagnosisContext) -> str:
    """Return the change of the layers that avoids vanishing gradients."""
    saturating = sorted(
        {getattr(layer, "activation", "") for layer in context.recipe.layers} & {"sigmoid", "tanh"}
    )
    return f"replace {' and '.join(saturating)} by relu" if saturating else "use fewer layers"


def _scaled_rate(context: DiagnosisContext, factor: float = 1.0) -> float:
    """Return the learning rate of the run times a factor, with three digits."""
    return float(f"{context.recipe.optimizer.learning_rate * factor:.3g}")
