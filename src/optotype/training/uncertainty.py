"""What a model knows of its own limits, fitted when its training ends: calibration, and what is familiar to it.

Nothing may be fitted on images that chose what is judged. With early stopping the validation images say when to stop,
so half of them are kept from it. Without, they choose nothing within a training, and all of them calibrate.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.splits import Split, split_in_halves
from optotype.engine.network import Network
from optotype.errors import DataError, OptotypeError
from optotype.models.calibration import MIN_IMAGES, Calibration
from optotype.models.model import Model
from optotype.models.novelty import NoveltyDetector
from optotype.randomness import permutation, purpose
from optotype.recipes.recipe import Recipe

# Sets these hashes apart from every other (split seed, ...): the word "doubts" in ASCII.
_DOUBTS: Final = purpose("doubts")
_MOST: Final = 5000  # training images: with 10,000 the rejection of other images was the same
_FAILURES: Final = (OptotypeError, ValueError, ArithmeticError, MemoryError)

Indices = NDArray[np.int64]


def split_validation(recipe: Recipe, labels: NDArray[np.integer], split: Split) -> tuple[Indices, Indices]:
    """Say which validation images are watched while training, and which calibrate afterwards.

    Args:
        recipe: Whether it stops early decides.
        labels: The class of every image of the training split.
        split: Which of them validate.

    Returns:
        Two sorted arrays of indices: without early stopping both are all validation images; with it, their halves, or
        all and none where the halves would be too small to calibrate on.
    """
    validation = split.validation
    if recipe.early_stopping is None:
        return validation, validation
    if len(validation) < 2 * MIN_IMAGES:
        return validation, validation[:0]
    return split_in_halves(validation, labels, recipe.split_seed)


def fit_uncertainty(model: Model, data: Dataset, split: Split, network: Network) -> Model:
    """Fit what a trained model knows of its own limits.

    Args:
        model: With the weights that are kept.
        data: What it was trained on.
        split: Which images it was trained on, and which validate.
        network: With the weights of the model.

    Returns:
        The model with a calibration and a novelty detector; where one is impossible, its provenance says why, under
        "no_calibration" or "no_novelty".
    """
    held = split_validation(model.recipe, data.labels, split)[1]
    reasons: dict[str, str] = {}
    calibration, novelty = None, None
    with np.errstate(all="ignore"):  # what is no number is refused, whatever it came from
        try:
            _require_images(len(held), len(split.validation))
            calibration = Calibration.fit(network.logits(data.images[held]), data.labels[held])
        except _FAILURES as error:
            reasons["no_calibration"] = str(error)
        try:
            _require_images(len(held), len(split.validation))
            some = _some_of_each_class(data.labels, split.train, model.recipe.split_seed)
            novelty = NoveltyDetector.fit(network, data.images[some], data.labels[some], data.images[held])
        except _FAILURES as error:
            reasons["no_novelty"] = str(error)
    provenance = model.provenance.updated(**reasons)
    return replace(model, provenance=provenance, calibration=calibration, novelty=novelty)


def _require_images(calibration: int, validation: int) -> None:
    if validation == 0:
        raise DataError("No image was set aside for validation, expected some. Train with validation = 0.1.")
    if calibration == 0:
        raise DataError(
            f"Early stopping takes all {validation} validation images, expected at least {2 * MIN_IMAGES}, half of"
            " which calibrate. Set more images aside for validation."
        )


def _some_of_each_class(labels: NDArray[np.integer], train: Indices, split_seed: int) -> Indices:
    """Take as many training images of each class as there are, at most 5000 in all, in an order of chance."""
    classes = np.unique(labels[train])
    each = max(_MOST // len(classes), 1)
    members = [train[labels[train] == label] for label in classes]
    taken = [
        rows[permutation(len(rows), split_seed, _DOUBTS, place)[:each]] for place, rows in enumerate(members)
    ]
    some: Indices = np.concatenate(taken)
    return some[permutation(len(some), split_seed, _DOUBTS)]
