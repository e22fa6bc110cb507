"""The uncertainty of a trained model, fitted when its training ends: calibration and novelty detection."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.network import Network
from optotype.errors import DataError, OptotypeError
from optotype.models.calibration import MIN_IMAGES, Calibration
from optotype.models.model import Model
from optotype.models.novelty import NoveltyDetector
from optotype.randomness import permutation, purpose
from optotype.training.plan import Indices, TrainingPlan

# Separates these hashes from every other use of the split seed. Another word would draw other images.
_SAMPLE: Final = purpose("doubts")
# Training images. With 10,000 the detector rejected the same share of unrelated images.
_MAX_IMAGES: Final = 5000
_FIT_ERRORS: Final = (OptotypeError, ValueError, ArithmeticError, MemoryError)


def fit_uncertainty(model: Model, plan: TrainingPlan, network: Network) -> Model:
    """Fit the calibration and the novelty detector of a trained model.

    Args:
        model: The trained model.
        plan: The plan of its training.
        network: A network with the weights of the model.

    Returns:
        The model with its calibration and novelty detector. If one cannot be fitted, the model lacks it, and its
        provenance gives the reason as "no_calibration" or "no_novelty".
    """
    data, rows = plan.data, plan.calibration
    reasons: dict[str, str] = {}
    calibration, novelty = None, None
    with np.errstate(all="ignore"):  # Results that are not finite are rejected, whatever they come from.
        try:
            _check_enough_images(plan)
            calibration = Calibration.fit(network.logits(data.images[rows]), data.labels[rows])
        except _FIT_ERRORS as error:
            reasons["no_calibration"] = str(error)
        try:
            _check_enough_images(plan)
            sample = _sample_classes(data.labels, plan.split.train, model.recipe.split_seed)
            novelty = NoveltyDetector.fit(
                network, data.images[sample], data.labels[sample], data.images[rows]
            )
        except _FIT_ERRORS as error:
            reasons["no_novelty"] = str(error)
    provenance = model.provenance.updated(**reasons)
    return replace(model, provenance=provenance, calibration=calibration, novelty=novelty)


def _check_enough_images(plan: TrainingPlan) -> None:
    validation = len(plan.split.validation)
    if validation == 0:
        raise DataError(
            "The training had no validation images, expected some for calibration. Train with validation = 0.1."
        )
    if len(plan.calibration) == 0:
        raise DataError(
            f"Early stopping monitored all {validation} validation images, expected at least"
            f" {2 * MIN_IMAGES}, so that half of them calibrate. Increase validation."
        )


def _sample_classes(labels: NDArray[np.integer], train: Indices, split_seed: int) -> Indices:
    """Draw the same number of training images of each class, at most 5000 in total, in random order.

    A class with fewer images gives all of them.
    """
    classes = np.unique(labels[train])
    per_class = max(_MAX_IMAGES // len(classes), 1)
    members = [train[labels[train] == label] for label in classes]
    samples = [
        rows[permutation(len(rows), split_seed, _SAMPLE, place)[:per_class]]
        for place, rows in enumerate(members)
    ]
    sample: Indices = np.concatenate(samples)
    return sample[permutation(len(sample), split_seed, _SAMPLE)]
