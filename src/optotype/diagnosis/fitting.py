"""Does it know its training images too well, or not well enough?"""

import math
from typing import Final

from optotype.diagnosis.advice import edit_recipe, train_again
from optotype.diagnosis.case import Case
from optotype.diagnosis.probes import loss_after, loss_of
from optotype.judging.judgement import Diagnosis
from optotype.metrics import log_loss_per_image
from optotype.runs.epoch import Epoch

_Z: Final = 1.96
_GAP: Final = 0.05
_ERROR: Final = 0.1
_PART: Final = 0.2
_LATEST: Final = 3
_STILL: Final = 0.95


def overfitting(case: Case) -> Diagnosis | None:
    """Validation got worse while training got better, or the judged images fare far worse than those trained on."""
    turned = _turned(case)
    apart = case.train.accuracy.low - case.test.accuracy.high >= _GAP
    if turned is None and not apart:
        return None
    evidence = []
    if turned is not None:
        last = case.epochs[-1]
        evidence.append(
            f"From epoch {turned.epoch} to epoch {last.epoch} the training loss fell from {turned.loss:.3f} to"
            f" {last.loss:.3f}, while the validation loss rose from {turned.val_loss:.3f} to {last.val_loss:.3f},"
            f" beyond its noise of {_noise(case):.3f}."
        )
    if apart:
        evidence.append(
            f"Right on {case.train.accuracy.value:.1%} of the training images, and on {case.test.accuracy.value:.1%} of"
            f" those it was not trained on."
        )
    since = f" from epoch {turned.epoch + 1} on" if turned is not None else ""
    return Diagnosis(
        "overfitting",
        f"It overfits{since}: it learns its training images by heart, which does not help with others.",
        " ".join(evidence),
        _against_overfitting(case, turned),
    )


def _turned(case: Case) -> Epoch | None:
    """Find the epoch after which validation loss rose beyond noise while training loss fell; None where none is."""
    validated = [epoch for epoch in case.epochs if epoch.val_loss is not None]
    if len(validated) < _LATEST or "validation" not in case.evidence.predictions:
        return None
    best = min(validated, key=lambda epoch: epoch.val_loss or 0.0)
    after = [epoch for epoch in validated if epoch.epoch > best.epoch][-_LATEST:]
    if len(after) < _LATEST - 1 or after[-1].loss >= best.loss:
        return None
    late = sum(epoch.val_loss or 0.0 for epoch in after) / len(after)
    return best if late - (best.val_loss or 0.0) > _noise(case) else None


def _noise(case: Case) -> float:
    """Give how much two validation losses may differ by chance, at 95 %.

    The difference of the mean losses a and b of two epochs over the same n images has the variance (var a + var b - 2
    cov) / n. The covariance is not negative, since what one epoch finds hard the next does, and losses vary most in the
    last epoch: so twice that epoch's variance is an upper bound. With early stopping half of the images are watched.
    """
    said = case.evidence.predictions["validation"]
    each = log_loss_per_image(said.logits, said.labels)
    watched = len(each) / (2 if case.recipe.early_stopping else 1)
    return _Z * math.sqrt(2 * float(each.var()) / watched)


def _against_overfitting(case: Case, turned: Epoch | None) -> str:
    stop = {"early_stopping.patience": 2}
    if turned is not None and case.recipe.early_stopping is None:
        return f"Stop when validation no longer improves: {train_again(case.run, stop)}"
    if not case.recipe.augment:
        return (
            "More images help most. Changing those there are at random is the next best, in ways that they are measured"
            f" to tolerate: {train_again(case.run, {'augment': 'auto'})}"
        )
    if case.judgement.splits.get("validation") is None:
        watching = train_again(case.run, {"validation": 0.1, **stop})
        return f"Watch validation images, and stop when they no longer fare better: {watching}"
    return f"More images help most; else {edit_recipe(case.run, 'use fewer units or add Dropout')}."


def underfitting(case: Case) -> Diagnosis | None:
    """Most of its errors it makes on training images too, and they are many, or more than a simpler classifier's."""
    best = max(case.judgement.baselines, key=lambda each: each.accuracy.value, default=None)
    beaten = best is not None and best.accuracy.low > case.test.accuracy.high and case.gap < case.train_error
    if not beaten and not (case.train_error >= _ERROR and case.gap < _PART * case.train_error):
        return None
    now, later = loss_of(case.model.network, case), loss_after(case, "end", 1.0)
    simpler = (
        f" On {best.n:,} of these, {best.name} comes to {best.accuracy}."
        if beaten and best is not None
        else ""
    )
    more = 3 * len(case.epochs)
    if later < _STILL * now:
        advice = f"It is still learning; give it more epochs: {train_again(case.run, {'epochs': more})}"
    else:
        advice = f"Give it more to learn with: {edit_recipe(case.run, 'add units, filters or layers')}."
    return Diagnosis(
        "underfitting",
        "It underfits: it has not even learnt the images it was trained on.",
        f"Wrong on {case.train_error:.1%} of the training images, and on {1 - case.test.accuracy.value:.1%} of the"
        f" others.{simpler} With a few more steps the training loss goes from {now:.3f} to {later:.3f}.",
        advice,
    )
