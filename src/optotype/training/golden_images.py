"""The choice of golden images: images that a model file stores together with the model's logits."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optotype.engine.network import Network
from optotype.errors import ModelError
from optotype.models.golden import MAX_IMAGES, GoldenImages
from optotype.models.model import Model
from optotype.training.plan import Indices, TrainingPlan


def add_golden_images(model: Model, plan: TrainingPlan, network: Network) -> Model:
    """Add golden images to a trained model.

    Calibration images are preferred, then monitored images, then training images.

    Args:
        model: The trained model.
        plan: The plan of its training.
        network: A network with the weights of the model.

    Returns:
        The model with golden images. If one of their logits is not finite, it has none, and its provenance gives the
        reason as "no_golden".
    """
    candidates = np.concatenate([plan.calibration, plan.monitored, plan.split.train])
    rows = choose_golden_rows(plan.data.labels, candidates)
    try:
        return replace(model, golden=GoldenImages.compute(network, plan.data.images[rows]))
    except ModelError as error:
        return replace(model, provenance=model.provenance.updated(no_golden=str(error)))


def choose_golden_rows(labels: NDArray[np.integer], candidates: Indices) -> Indices:
    """Choose up to 32 images: the first of each class, then the second of each class, and so on.

    Args:
        labels: The class of every image of the training split, of shape (n,).
        candidates: Indices of the images to choose from, preferred ones first; repeated indices are ignored.

    Returns:
        The chosen indices, int64. With more than 32 classes, one image of each of the 32 classes that come first.
    """
    candidates = candidates[np.sort(np.unique(candidates, return_index=True)[1])]
    classes = labels[candidates]
    by_class = np.argsort(classes, kind="stable")
    sorted_classes = classes[by_class]
    place_in_class = np.empty(len(candidates), np.int64)
    place_in_class[by_class] = np.arange(len(candidates)) - np.searchsorted(sorted_classes, sorted_classes)
    rows: Indices = candidates[np.argsort(place_in_class, kind="stable")[:MAX_IMAGES]]
    return rows
