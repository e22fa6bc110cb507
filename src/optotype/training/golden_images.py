"""Which images a model is asked about for good when its training ends."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.splits import Split
from optotype.engine.network import Network
from optotype.errors import ModelError
from optotype.models.golden import MAX_IMAGES, GoldenImages
from optotype.models.model import Model
from optotype.training.uncertainty import split_validation

Indices = NDArray[np.int64]


def with_golden(model: Model, data: Dataset, split: Split, network: Network) -> Model:
    """Let a trained model keep what it says of a few images.

    Args:
        model: With the weights that are kept.
        data: What it was trained on.
        split: Which images it was trained on, and which validate.
        network: With the weights of the model.

    Returns:
        The model with golden images; where a logit of theirs is not finite, its provenance says so, as "no_golden".
    """
    watched, calibrating = split_validation(model.recipe, data.labels, split)
    rows = golden_rows(data.labels, np.concatenate([calibrating, watched, split.train]))
    try:
        return replace(model, golden=GoldenImages.compute(network, data.images[rows]))
    except ModelError as error:
        return replace(model, provenance=model.provenance.updated(no_golden=str(error)))


def golden_rows(labels: NDArray[np.integer], candidates: Indices) -> Indices:
    """Choose up to 32 images: the first of each class, then the second of each, and so on.

    Args:
        labels: The class of every image of the training split.
        candidates: Indices of those to choose from, the preferred ones first; one that comes again is not looked at.

    Returns:
        Their indices, int64; where there are more than 32 classes, the first of the 32 that come first.
    """
    candidates = candidates[np.sort(np.unique(candidates, return_index=True)[1])]
    classes = labels[candidates]
    by_class = np.argsort(classes, kind="stable")
    in_order = classes[by_class]
    place_in_class = np.empty(len(candidates), np.int64)
    place_in_class[by_class] = np.arange(len(candidates)) - np.searchsorted(in_order, in_order)
    rows: Indices = candidates[np.argsort(place_in_class, kind="stable")[:MAX_IMAGES]]
    return rows
