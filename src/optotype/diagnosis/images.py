"""What is wrong with the images or labels rather than with the training."""

from typing import Final

from optotype.data.imbalance import rare_classes
from optotype.diagnosis.advice import examine_data
from optotype.diagnosis.case import Case
from optotype.judging.judgement import Diagnosis
from optotype.metrics import proportion
from optotype.metrics.label_errors import find_label_errors
from optotype.storage.digests import digests, match_digests
from optotype.text import printable

_FEWEST: Final = 200
_NOISY: Final = 0.05
_KNOWS: Final = 0.2
_LEAKED: Final = 0.001
_IMPOSSIBLE: Final = 0.05


def leak(case: Case) -> Diagnosis | None:
    """At least one judged image in a thousand is, pixel by pixel, one that the model was trained on."""
    on = case.judgement.on
    places = match_digests(_digests(case, "train"), _digests(case, on))
    known = places >= 0
    if known.mean() < _LEAKED:
        return None
    data, rows = case.run.data, case.evidence.predictions["train"].indices
    added = int((rows[places[known]] >= data.own_images).sum())
    among = (
        f", {added:,} of them as one that was added from {printable(str(data.options.add))}" if added else ""
    )
    said, fresh = case.evidence.predictions[on], ~known
    right = said.logits[fresh].argmax(axis=1) == said.labels[fresh]
    without = f", and without them {proportion(int(right.sum()), len(right))}" if fresh.any() else ""
    return Diagnosis(
        "leak",
        "Some of the images that it is judged on are among those it was trained on: that it knows them says nothing of"
        " images that it has not seen.",
        f"{int(known.sum()):,} of {len(known):,} images are the same as a training image, pixel by pixel{among}."
        f" Accuracy on all is {case.test.accuracy}{without}.",
        f"See which they are, and take them out of one side: {examine_data(case.run)}"
        + (" (the judgement's notes name those that were added)" if added else ""),
        severe=True,
    )


def _digests(case: Case, split: str) -> list[bytes]:
    # Of all, then picked: the images may be mapped from a file larger than the memory.
    every = digests(case.evidence.images[split])
    return [every[place] for place in case.evidence.predictions[split].indices.tolist()]


def label_noise(case: Case) -> Diagnosis | None:
    """More than one label in twenty is likely wrong, among images that the model was not trained on.

    A label counts where confident learning doubts it and the calibrated model holds it for all but impossible.
    Confident learning alone doubts as many where classes look alike, or where a model knows little.
    """
    split = "validation" if _count(case, "validation") >= _FEWEST else case.judgement.on
    score = case.judgement.splits[split]
    # A wrong label is an error of whoever did not learn it: where there are few errors, few labels are wrong.
    if score is None or score.n < _FEWEST or score.accuracy.value > 1 - _NOISY or score.kappa.low < _KNOWS:
        return None
    labels, probabilities = case.evidence.predictions[split].labels, case.probabilities(split)
    doubted = find_label_errors(labels, probabilities)
    wrong = int((probabilities[doubted, labels[doubted]] < _IMPOSSIBLE).sum())
    share = proportion(wrong, len(labels))
    if share.low < _NOISY:
        return None
    return Diagnosis(
        "label_noise",
        "Many labels are probably wrong: the model contradicts them on images that it was not trained on.",
        f"Of {len(labels):,} {split} images, {wrong:,} ({share.value:.1%}) have a label that confident learning doubts"
        f" and that the model, calibrated, gives a probability of less than {_IMPOSSIBLE:.0%}.",
        f"See which they are, and correct them: {examine_data(case.run)}",
        severe=True,
    )


def _count(case: Case, split: str) -> int:
    score = case.judgement.splits.get(split)
    return score.n if score else 0


def imbalance(case: Case) -> Diagnosis | None:
    """A class has at most a tenth of the training images of the largest."""
    recalls = {label: case.test.classes[label].recall for label in rare_classes(case.counts)}
    known = {label: recall for label, recall in recalls.items() if recall is not None}
    if not known:
        return None
    largest, worst = int(case.counts.argmax()), min(known, key=lambda label: known[label].value)
    names = case.model.class_names
    accuracy, balanced = case.test.accuracy, case.test.balanced_accuracy
    return Diagnosis(
        "imbalance",
        f"Some classes are rare: the accuracy is mostly that of the others, and hides how {names[worst]!r} fares.",
        f"{case.counts[worst]:,} training images of {names[worst]!r}, {case.counts[largest]:,} of {names[largest]!r}."
        f" Of the {names[worst]!r} it is judged on it finds {known[worst]}; accuracy {accuracy.value:.4f}, mean over"
        f" the classes {balanced.value:.4f}.",
        "Go by the balanced accuracy and the recall of each class, and collect more images of the rare ones:"
        f" {examine_data(case.run)}",
        severe=balanced.value < accuracy.low,
    )
