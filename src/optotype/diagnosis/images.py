"""Checks for faults of the images and labels: leaks, label noise and class imbalance."""

from typing import Final

from optotype.data.imbalance import rare_classes
from optotype.diagnosis.advice import check_command
from optotype.diagnosis.context import DiagnosisContext
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.metrics import proportion
from optotype.metrics.label_errors import find_label_errors
from optotype.storage.digests import digests, match_digests
from optotype.text import printable

_MIN_IMAGES: Final = 200
_MIN_NOISE: Final = 0.05
_MIN_KAPPA: Final = 0.2
_MIN_LEAKED_SHARE: Final = 0.001
_MAX_LABEL_PROBABILITY: Final = 0.05


def leak(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether at least one judged image in a thousand equals a training image in every pixel."""
    split = context.judgement.on
    matches = match_digests(_digests(context, "train"), _digests(context, split))
    leaked = matches >= 0
    if leaked.mean() < _MIN_LEAKED_SHARE:
        return None
    data, rows = context.run.data, context.evidence.predictions["train"].indices
    added = int((rows[matches[leaked]] >= data.own_images).sum())
    origin = (
        f"; {added:,} of these training images were added from {printable(str(data.options.add))}"
        if added
        else ""
    )
    predictions, fresh = context.evidence.predictions[split], ~leaked
    correct = predictions.logits[fresh].argmax(axis=1) == predictions.labels[fresh]
    without = f", and without them {proportion(int(correct.sum()), len(correct))}" if fresh.any() else ""
    return Diagnosis(
        "leak",
        "Some judged images are also training images. Their accuracy shows nothing about images that the model has not"
        " seen.",
        f"{int(leaked.sum()):,} of {len(leaked):,} images equal a training image in every pixel{origin}."
        f" The accuracy on all images is {context.test.accuracy}{without}.",
        f"List them, and remove them from one of the splits: {check_command(context.run)}"
        + (" (the judgement's notes name those that were added)" if added else ""),
        severe=True,
    )


def _digests(context: DiagnosisContext, split: str) -> list[bytes]:
    # Hashed before indexing: the images may be mapped from a file that is larger than the memory.
    image_digests = digests(context.evidence.images[split])
    return [image_digests[row] for row in context.evidence.predictions[split].indices.tolist()]


def label_noise(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether more than 5 % of the labels are likely wrong, among images that the model was not trained on.

    A label counts as wrong if confident learning rejects it and the calibrated model gives it a probability below 5 %.
    Confident learning alone rejects as many labels if classes look alike, or if a model has learned little.
    """
    split = "validation" if _count_images(context, "validation") >= _MIN_IMAGES else context.judgement.on
    score = context.judgement.splits[split]
    # A model that did not learn a wrong label misclassifies the image. With few errors, few labels are wrong.
    if (
        score is None
        or score.n < _MIN_IMAGES
        or score.accuracy.value > 1 - _MIN_NOISE
        or score.kappa.low < _MIN_KAPPA
    ):
        return None
    labels, probabilities = context.evidence.predictions[split].labels, context.probabilities(split)
    rejected = find_label_errors(labels, probabilities)
    wrong = int((probabilities[rejected, labels[rejected]] < _MAX_LABEL_PROBABILITY).sum())
    share = proportion(wrong, len(labels))
    if share.low < _MIN_NOISE:
        return None
    return Diagnosis(
        "label_noise",
        "Many labels are probably wrong: they contradict the model on images that it was not trained on.",
        f"Of {len(labels):,} {split} images, {wrong:,} ({share.value:.1%}) have a label that confident learning rejects"
        f" and to which the calibrated model gives a probability below {_MAX_LABEL_PROBABILITY:.0%}.",
        f"List them, and correct them: {check_command(context.run)}",
        severe=True,
    )


def _count_images(context: DiagnosisContext, split: str) -> int:
    score = context.judgement.splits.get(split)
    return score.n if score else 0


def imbalance(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether a class has at most a tenth of the training images of the largest class."""
    recalls = {
        label: recall
        for label in rare_classes(context.class_counts)
        if (recall := context.test.classes[label].recall) is not None
    }
    if not recalls:
        return None
    counts, names = context.class_counts, context.model.class_names
    largest, worst = int(counts.argmax()), min(recalls, key=lambda label: recalls[label].value)
    accuracy, balanced = context.test.accuracy, context.test.balanced_accuracy
    return Diagnosis(
        "imbalance",
        f"Some classes are rare: accuracy mostly reflects the other classes, and hides the recall of {names[worst]!r}.",
        f"There are {counts[worst]:,} training images of {names[worst]!r} and {counts[largest]:,} of"
        f" {names[largest]!r}. The recall of {names[worst]!r} is {recalls[worst]}. The accuracy is"
        f" {accuracy.value:.4f}, the balanced accuracy {balanced.value:.4f}.",
        "Use the balanced accuracy and the recall of each class, and collect more images of rare classes:"
        f" {check_command(context.run)}",
        severe=balanced.value < accuracy.low,
    )
