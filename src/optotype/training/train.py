"""train: trains a model from data and a recipe, and writes a run folder.

The run folder records how the training ended: "finished" after the last epoch or early stopping, "diverged" after a
loss that is not finite, "interrupted" after Ctrl-C or any other failure. A killed process leaves "running".
"""

from pathlib import Path

import numpy as np

from optotype.data.dataset import Dataset
from optotype.engine.trainable import Trainable
from optotype.errors import DataError, DivergedError
from optotype.models.transfer import TransferRecipe
from optotype.recipes.recipe import Recipe
from optotype.runs.environment import describe_environment
from optotype.runs.naming import create_run_folder
from optotype.runs.run import Run
from optotype.training.auto_augment import resolve_augment
from optotype.training.best_epoch import should_stop
from optotype.training.checkpoint import Checkpointer
from optotype.training.loop import Report, epochs
from optotype.training.plan import TrainingPlan, build_network, plan_training


def train(
    data: Dataset,
    recipe: Recipe | TransferRecipe,
    *,
    out: str | Path | None = None,
    threads: int | None = None,
    report: Report | None = None,
    curves: bool = True,
) -> Run:
    """Train a model, and save it with everything that produced it in a run folder.

    The model has the weights of the last epoch, or of the best epoch if early stopping restores them. It is calibrated
    on validation images. The test split stays sealed.

    Args:
        data: The data set to train on.
        recipe: The recipe; a transfer recipe from `Model.transfer` also brings the weights to start from.
        out: The run folder to create; by default a new folder in runs/ in the working folder.
        threads: Number of threads, at least 1; every core by default. It does not change the result.
        report: Called several times per second with the progress, and once after every epoch with its record.
        curves: Whether to draw loss and accuracy over the epochs, which takes longer than a very small training.

    Returns:
        The finished run.

    Raises:
        DataError: If there is no training image or only one class, a label is out of range, or the images have another
            shape than those of the model to start from.
        RecipeError: If the recipe does not fit the data, or the model to start from.
        EngineError: If the layers do not fit the images, or the processor lacks the requested precision.
        RunError: If the run folder is not empty or cannot be written.
        DivergedError: If the loss is not finite; the weights of the best finished epoch are saved.
        KeyboardInterrupt: After Ctrl-C; the weights after the last complete step are saved. The message says where.
    """
    _check_labels(data)
    plan = _resolve(plan_training(data, recipe, threads))
    network = build_network(plan)
    run = _create_run(plan, network, out)
    if isinstance(recipe, TransferRecipe):
        run.save_transfer(recipe.start())
    checkpointer = Checkpointer(run, network, plan, curves=curves)
    try:
        for epoch in epochs(plan, network, report):
            run.append_epoch(epoch)
            best = checkpointer.update(epoch)
            if should_stop(epoch, best, plan.recipe.early_stopping):
                break
        checkpointer.finish()
    except DivergedError as error:
        message = checkpointer.save_best(error)
        checkpointer.draw_curves()
        raise DivergedError(f"{error} {message}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Training stopped. {checkpointer.save_current('Ctrl-C')}") from None
    except BaseException as error:
        error.add_note(checkpointer.save_current(f"{type(error).__name__}: {error}"))
        raise
    checkpointer.draw_curves()
    return run


def _check_labels(data: Dataset) -> None:
    classes = len(data.class_names)
    if len(data.labels) == 0:
        raise DataError(
            f"{data.name} has no training image, expected at least one of each class. Add images."
        )
    invalid = np.flatnonzero((data.labels < 0) | (data.labels >= classes))
    if len(invalid):
        raise DataError(
            f"Label {data.labels[invalid[0]]} at index {invalid[0]} of {data.name} is out of range, expected 0 to"
            f" {classes - 1} for {classes} class names. Number the classes from 0, or name every class."
        )
    if len(np.unique(data.labels)) < 2:
        raise DataError(
            f"All {len(data.labels)} training images of {data.name} belong to one class, expected at least two"
            " classes. Add images of another class."
        )


def _resolve(plan: TrainingPlan) -> TrainingPlan:
    try:
        return resolve_augment(plan)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Training stopped during the choice of the augmentation. Nothing was saved."
        ) from None


def _create_run(plan: TrainingPlan, network: Trainable, out: str | Path | None) -> Run:
    environment = describe_environment(network.isa, network.threads, network.precision)
    folder = create_run_folder(plan.data.name, plan.recipe) if out is None else out
    run = Run.create(folder, plan.recipe, plan.data, plan.split, environment)
    if plan.augment_choice is not None:
        run.save_augment_choice(plan.augment_choice)
    return run
