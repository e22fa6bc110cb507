"""Checks for overfitting and underfitting."""

import math
from typing import TYPE_CHECKING, Final

from optotype.diagnosis.advice import edit_recipe_advice, train_command
from optotype.diagnosis.context import DiagnosisContext
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.diagnosis.probes import loss_after_short_training, sample_loss
from optotype.metrics import log_loss_per_image
from optotype.runs.epoch import Epoch

if TYPE_CHECKING:
    from optotype.judging.judgement import Baseline

_Z: Final = 1.96
_MIN_OVERFITTING_GAP: Final = 0.05
_MIN_TRAIN_ERROR: Final = 0.1
_MAX_GAP_SHARE: Final = 0.2  # of the training error
_LAST_EPOCHS: Final = 3
_STILL_LEARNING_RATIO: Final = 0.95


def overfitting(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether validation got worse while training got better, or accuracy is far lower on judged images."""
    best = _best_before_overfitting(context)
    has_gap = context.train.accuracy.low - context.test.accuracy.high >= _MIN_OVERFITTING_GAP
    if best is None and not has_gap:
        return None
    evidence = []
    if best is not None:
        last = context.epochs[-1]
        evidence.append(
            f"From epoch {best.epoch} to epoch {last.epoch} the training loss fell from {best.loss:.3f} to"
            f" {last.loss:.3f}, while the validation loss rose from {best.val_loss:.3f} to {last.val_loss:.3f},"
            f" more than its noise of {_noise(context):.3f}."
        )
    if has_gap:
        evidence.append(
            f"The accuracy is {context.train.accuracy.value:.1%} on training images, but"
            f" {context.test.accuracy.value:.1%} on judged images."
        )
    since = f" from epoch {best.epoch + 1} on" if best is not None else ""
    return Diagnosis(
        "overfitting",
        f"The model overfits{since}: it memorizes its training images, which does not help with other images.",
        " ".join(evidence),
        _against_overfitting(context, best),
    )


def _best_before_overfitting(context: DiagnosisContext) -> Epoch | None:
    """Return the epoch after which validation loss rose beyond its noise while training loss fell; None if none did."""
    validated = [epoch for epoch in context.epochs if epoch.val_loss is not None]
    if len(validated) < _LAST_EPOCHS or "validation" not in context.evidence.predictions:
        return None
    best = min(validated, key=lambda epoch: epoch.val_loss or 0.0)
    later = [epoch for epoch in validated if epoch.epoch > best.epoch][-_LAST_EPOCHS:]
    if len(later) < _LAST_EPOCHS - 1 or later[-1].loss >= best.loss:
        return None
    later_loss = sum(epoch.val_loss or 0.0 for epoch in later) / len(later)
    return best if later_loss - (best.val_loss or 0.0) > _noise(context) else None


def _noise(context: DiagnosisContext) -> float:
    """Return how much two validation losses may differ by chance, at 95 %.

    The difference of the mean losses a and b of two epochs over the same n images has the variance (var a + var b - 2
    cov) / n. The covariance is not negative, since images that are hard in one epoch are hard in the next, and losses
    vary most in the last epoch. So twice the variance of the last epoch is an upper bound. With early stopping, half of
    the validation images are monitored.
    """
    predictions = context.evidence.predictions["validation"]
    image_losses = log_loss_per_image(predictions.logits, predictions.labels)
    monitored = len(image_losses) / (2 if context.recipe.early_stopping else 1)
    return _Z * math.sqrt(2 * float(image_losses.var()) / monitored)


def _against_overfitting(context: DiagnosisContext, best: Epoch | None) -> str:
    early_stopping = {"early_stopping.patience": 2}
    if best is not None and context.recipe.early_stopping is None:
        return f"Stop when validation no longer improves: {train_command(context.run, early_stopping)}"
    if not context.recipe.augment:
        return (
            "More images help most. Augmentation is second best; it is measured which changes the images tolerate:"
            f" {train_command(context.run, {'augment': 'auto'})}"
        )
    if context.judgement.splits.get("validation") is None:
        command = train_command(context.run, {"validation": 0.1, **early_stopping})
        return f"Set validation images aside, and stop when they no longer improve: {command}"
    return f"More images help most; otherwise {edit_recipe_advice(context.run, 'use fewer units or add Dropout')}."


def underfitting(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether training images have most of the errors, and these are many, or more than a baseline has."""
    best = max(context.judgement.baselines, key=lambda baseline: baseline.accuracy.value, default=None)
    better_baseline = best if best is not None and _is_better(context, best) else None
    many_errors = context.train_error >= _MIN_TRAIN_ERROR
    small_gap = context.generalization_gap < _MAX_GAP_SHARE * context.train_error
    if better_baseline is None and not (many_errors and small_gap):
        return None
    now = sample_loss(context.model.network, context)
    later = loss_after_short_training(context, "final", 1.0)
    comparison = (
        f" The baseline {better_baseline.name} has accuracy {better_baseline.accuracy} on {better_baseline.n:,} of"
        " these."
        if better_baseline
        else ""
    )
    epochs = 3 * len(context.epochs)
    if later < _STILL_LEARNING_RATIO * now:
        advice = (
            f"It is still improving. Train for more epochs: {train_command(context.run, {'epochs': epochs})}"
        )
    else:
        change = "add units, filters or layers"
        advice = f"Use a larger network: {edit_recipe_advice(context.run, change)}."
    return Diagnosis(
        "underfitting",
        "The model underfits: it has not even learned its training images.",
        f"It classifies {context.train_error:.1%} of the training images and {1 - context.test.accuracy.value:.1%} of"
        f" the judged images incorrectly.{comparison} A few more steps change the training loss from {now:.3f} to"
        f" {later:.3f}.",
        advice,
    )


def _is_better(context: DiagnosisContext, baseline: "Baseline") -> bool:
    """Return whether a baseline is better than the model, and the model's errors are mostly on training images too."""
    return (
        baseline.accuracy.low > context.test.accuracy.high
        and context.generalization_gap < context.train_error
    )
