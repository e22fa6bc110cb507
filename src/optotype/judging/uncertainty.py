"""Checks of a model's uncertainty estimates: calibration, label sets and novelty detection on labelled images."""

from typing import Final, TypedDict

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
    """The uncertainty checks of a Judgement, under the same field names."""

    calibration: CalibrationCheck | None
    label_sets: LabelSets | None
    novelty: NoveltyCheck | None


_OLDER_VERSION: Final = "an older version of optotype trained it."


def check_uncertainty(model: Model, predictions: Predictions) -> UncertaintyChecks:
    """Compare a model's uncertainty estimates with its predictions on labelled images.

    Args:
        model: The model. Parts that it was not fitted with (calibration, novelty detector) are skipped.
        predictions: Its logits and the true labels of n images.

    Returns:
        Calibration error, label-set coverage and novelty rate; a field is None if the model lacks that part.
    """
    calibration, detector = model.calibration, model.novelty
    return {
        "calibration": _check_calibration(calibration, predictions) if calibration else None,
        "label_sets": _check_label_sets(calibration, predictions) if calibration else None,
        "novelty": _check_novelty(detector, predictions) if detector else None,
    }


def notes_on_uncertainty(model: Model) -> list[str]:
    """Return notes on the uncertainty estimates that a model lacks, with the reason."""
    notes = []
    if model.calibration is None:
        reason = model.provenance.no_calibration or _OLDER_VERSION
        notes.append(f"The model has no temperature, so its probabilities are not calibrated: {reason}")
    if model.novelty is None:
        reason = model.provenance.no_novelty or _OLDER_VERSION
        notes.append(
            f"The model has no novelty detector, so it cannot reject images unlike its training images: {reason}"
        )
    if model.calibration is not None:
        n = model.calibration.n
        max_coverage = n / (n + 1)
        if max_coverage < COVERAGE:
            notes.append(
                f"Every label set contains all classes: the model was calibrated on {n} images, which support a"
                f" coverage of at most {max_coverage:.1%}, below the target of {COVERAGE:.0%}. Set more images aside"
                " for validation."
            )
    return notes


def _check_calibration(calibration: Calibration, predictions: Predictions) -> CalibrationCheck:
    """Compare the probabilities without and with the model's temperature."""
    return CalibrationCheck(
        temperature=calibration.temperature,
        n=calibration.n,
        before=_reliability(predictions, 1.0),
        after=_reliability(predictions, calibration.temperature),
    )


def _check_label_sets(calibration: Calibration, predictions: Predictions) -> LabelSets:
    """Measure the coverage and the size of the model's label sets."""
    sets = calibration.label_sets(calibration.probabilities(predictions.logits), COVERAGE)
    n = len(sets)
    sizes = sets.sum(axis=1)
    return LabelSets(
        target_coverage=COVERAGE,
        coverage=proportion(int(sets[np.arange(n), predictions.labels].sum()), n),
        singleton_rate=proportion(int((sizes == 1).sum()), n),
        mean_size=float(sizes.mean()),
        max_size=int(sizes.max()),
    )


def _check_novelty(detector: NoveltyDetector, predictions: Predictions) -> NoveltyCheck | None:
    """Count the images that the detector rejects as novel; None if the predictions have no distances."""
    if predictions.distances is None:
        return None
    novel = int(detector.is_novel(predictions.distances).sum())
    return NoveltyCheck(target_rate=detector.rate, rate=proportion(novel, len(predictions.labels)))


def _reliability(predictions: Predictions, temperature: float) -> Reliability:
    logits, labels = predictions.logits.astype(np.float64) / temperature, predictions.labels
    probabilities = softmax(logits)
    binned = bin_by_confidence(probabilities, labels)
    counts = np.bincount(binned.bins, minlength=BINS)
    correct = np.bincount(binned.bins[binned.is_correct], minlength=BINS)
    confidence = np.bincount(binned.bins, weights=binned.confidence, minlength=BINS)
    return Reliability(
        ece=expected_calibration_error(probabilities, labels),
        log_loss=mean_estimate(log_loss_per_image(logits, labels)),
        bins=tuple(
            Bin(
                low=index / BINS,
                high=(index + 1) / BINS,
                n=int(counts[index]),
                confidence=float(confidence[index] / counts[index]),
                accuracy=proportion(int(correct[index]), int(counts[index])),
            )
            for index in np.flatnonzero(counts).tolist()
        ),
    )
