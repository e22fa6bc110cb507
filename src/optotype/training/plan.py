"""TrainingPlan: everything that one training needs, assembled once before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.data.dataset import Dataset
from optotype.data.splits import Split, split_in_halves, split_of
from optotype.engine.frozen import FrozenNetwork
from optotype.engine.network import Network
from optotype.engine.trainable import Trainable
from optotype.errors import RecipeError
from optotype.models.calibration import MIN_IMAGES as MIN_CALIBRATION_IMAGES
from optotype.models.transfer import TransferRecipe
from optotype.recipes.recipe import Recipe

Indices = NDArray[np.int64]
Weights = Mapping[str, NDArray[np.float32]]
Monitor = Literal["loss", "val_loss", "val_accuracy"]


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """Everything that one training needs.

    Attributes:
        recipe: Layers, optimizer, schedule, epochs and seeds. Its augment is never "auto" after `resolve_augment`.
        data: Images and labels of the training split; the test split stays sealed.
        split: The indices of the images that train and of those that validate.
        monitored: Sorted int64 indices of the validation images for val_loss, val_accuracy and early stopping.
        calibration: Sorted int64 indices of the validation images for calibration and novelty detection.
        initial_weights: Weights by name ("0.kernel") that replace the randomly initialized ones.
        frozen_layers: Number of layers, counted from the first, whose weights are not trained.
        threads: Number of threads; None for every core. It does not change the result.
        augment_choice: The measurements for `augment = "auto"`, as JSON values; None if the recipe did not ask for it.
    """

    recipe: Recipe
    data: Dataset
    split: Split
    monitored: Indices
    calibration: Indices
    initial_weights: Weights = field(default_factory=dict)
    frozen_layers: int = 0
    threads: int | None = None
    augment_choice: dict[str, JsonValue] | None = None

    @property
    def monitor(self) -> Monitor:
        """The quantity that decides which epoch is best.

        It is the monitor of early stopping; without early stopping the validation loss, and without validation images
        the training loss.
        """
        if self.recipe.early_stopping is not None:
            return self.recipe.early_stopping.monitor
        return "val_loss" if len(self.split.validation) else "loss"


def plan_training(data: Dataset, recipe: Recipe | TransferRecipe, threads: int | None = None) -> TrainingPlan:
    """Assemble the plan of a training: split the data and collect the weights to start from.

    Args:
        data: The data set to train on.
        recipe: The recipe, or a transfer recipe, which also brings initial weights.
        threads: Number of threads; every core by default.

    Returns:
        The plan. Its recipe may still have `augment = "auto"`; `resolve_augment` replaces that.

    Raises:
        DataError: If the split is impossible, or the images have another shape than the model to start from.
        RecipeError: If early stopping has no validation images, or the recipe does not fit the model to start from.
    """
    weights, frozen = {}, 0
    if isinstance(recipe, TransferRecipe):
        weights = recipe.initial_weights(data.shape, data.class_names)
        frozen, recipe = recipe.shared_layers if recipe.freeze else 0, recipe.recipe
    split = split_of(data, recipe.validation, recipe.split_seed)
    _check_validation(recipe, data, split)
    monitored, calibration = split_validation(recipe, data.labels, split)
    return TrainingPlan(recipe, data, split, monitored, calibration, weights, frozen, threads)


def split_validation(recipe: Recipe, labels: NDArray[np.integer], split: Split) -> tuple[Indices, Indices]:
    """Divide the validation images into those that are monitored and those that calibrate the trained model.

    Uncertainty must not be fitted on images that selected the model. Early stopping selects the epoch on validation
    images, so half of them are withheld from it. Without early stopping, validation images select nothing within a
    training, and all of them calibrate.

    Args:
        recipe: The recipe; early_stopping and split_seed are used.
        labels: The class of every image of the training split, of shape (n,).
        split: The indices of the validation images.

    Returns:
        Two sorted int64 arrays of indices: monitored images and calibration images. Without early stopping both
        contain every validation image. With early stopping they are two halves; if a half would be too small for
        calibration, every image is monitored and none calibrates.
    """
    validation = split.validation
    if recipe.early_stopping is None:
        return validation, validation
    if len(validation) < 2 * MIN_CALIBRATION_IMAGES:
        return validation, validation[:0]
    return split_in_halves(validation, labels, recipe.split_seed)


def build_network(plan: TrainingPlan) -> Trainable:
    """Build the network of a plan, without initializing its weights.

    Raises:
        EngineError: If the layers do not fit the images, or the processor lacks the recipe's precision.
    """
    recipe, data = plan.recipe, plan.data
    layers = recipe.network_layers(len(data.class_names))
    network = Network(
        layers, data.shape, scale=recipe.scale, threads=plan.threads, precision=recipe.precision
    )
    return FrozenNetwork(network, plan.frozen_layers) if plan.frozen_layers else network


def _check_validation(recipe: Recipe, data: Dataset, split: Split) -> None:
    if recipe.early_stopping is not None and len(split.validation) == 0:
        raise RecipeError(
            f"The recipe has early_stopping, but validation = {recipe.validation} of {len(data.labels)} images is 0"
            " images, expected at least 1. Increase validation, or remove early_stopping."
        )
