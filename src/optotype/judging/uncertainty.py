"""What a model's own doubts are worth on judged images: its probabilities, its label sets, and what it calls unlike."""

from typing import TypedDict

import numpy as np

from optotype.judging.judgement import Bin, CalibrationCheck, LabelSets, NoveltyCheck, Reliability
from optotype.metrics import log_loss_per_image, proportion, softmax
from optotype.metrics.bootstrap import mean_estimate
from optotype.metrics.calibration import BINS, bin_by_confidence, expected_calibration_error
from optotype.models.calibration import COVERAGE, Calibration
from optotype.models.model import Model
from optotype.models.novelty import NoveltyDetector
from optotype.runs.predictions import Predictions


class UncertaintyChecks(TypedDict):
    """What a Judgement has of them, by the same names."""

    calibration: CalibrationCheck | None
    label_sets: LabelSets | None
    unfamiliar: NoveltyCheck | None


def check_uncertainty(model: Model, said: Predictions) -> UncertaintyChecks:
    """Hold what a model knows of its own limits against what it said of some images; None for what it does not know."""
    calibration, familiarity = model.calibration, model.novelty
    return {
        "calibration": _calibration_check(calibration, said) if calibration else None,
        "label_sets": _label_sets(calibration, said) if calibration else None,
        "unfamiliar": _unfamiliar(familiarity, said) if familiarity else None,
    }


def notes_on_limits(model: Model) -> list[str]:
    """Say what a model does not know of its own limits, and why."""
    provenance = model.provenance
    parts = (
        (model.calibration, "calibration, so its probabilities are as trained", provenance.no_calibration),
        (model.novelty, "novelty detector", provenance.no_novelty),
    )
    notes = [
        f"The model has no {name}: {reason or 'an earlier version of optotype trained it.'}"
        for part, name, reason in parts
        if part is None
    ]
    if model.calibration is not None and (most := model.calibration.n / (model.calibration.n + 1)) < COVERAGE:
        notes.append(
            f"Every label set holds all classes: {model.calibration.n} images calibrated the model, which can promise"
            f" at most {most:.1%}, not {COVERAGE:.0%}. Set more images aside for validation."
        )
    return notes


def _calibration_check(calibration: Calibration, said: Predictions) -> CalibrationCheck:
    """Compare probabilities without and with the model's temperature."""
    return CalibrationCheck(
        temperature=calibration.temperature,
        n=calibration.n,
        before=_reliability(said, 1.0),
        after=_reliability(said, calibration.temperature),
    )


def _label_sets(calibration: Calibration, said: Predictions) -> LabelSets:
    """Count how often the model's label sets hold the truth, and how large they are."""
    sets = calibration.label_sets(calibration.probabilities(said.logits), COVERAGE)
    n = len(sets)
    sizes = sets.sum(axis=1)
    return LabelSets(
        asked=COVERAGE,
        coverage=proportion(int(sets[np.arange(n), said.labels].sum()), n),
        single=proportion(int((sizes == 1).sum()), n),
        mean_size=float(sizes.mean()),
        largest=int(sizes.max()),
    )


def _unfamiliar(familiarity: NoveltyDetector, said: Predictions) -> NoveltyCheck | None:
    """Count the images that the model calls unlike those it was trained on; None where it was not asked."""
    if said.distances is None:
        return None
    unknown = int(familiarity.is_novel(said.distances).sum())
    return NoveltyCheck(asked=familiarity.rate, rejected=proportion(unknown, len(said.labels)))


def _reliability(said: Predictions, temperature: float) -> Reliability:
    logits, labels = said.logits.astype(np.float64) / temperature, said.labels
    probabilities = softmax(logits)
    binned = bin_by_confidence(probabilities, labels)
    counts = np.bincount(binned.bins, minlength=BINS)
    right = np.bincount(binned.bins[binned.is_correct], minlength=BINS)
    confidence = np.bincount(binned.bins, weights=binned.confidence, minlength=BINS)
    return Reliability(
        ece=expected_calibration_error(probabilities, labels),
        log_loss=mean_estimate(log_loss_per_image(logits, labels)),
        bins=tuple(
            Bin(
                low=place / BINS,
                high=(place + 1) / BINS,
                n=int(counts[place]),
                confidence=float(confidence[place] / counts[place]),
                accuracy=proportion(int(right[place]), int(counts[place])),
            )
            for place in np.flatnonzero(counts).tolist()
        ),
    )
