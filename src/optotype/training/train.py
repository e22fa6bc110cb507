"""From data and a recipe to a run folder: what is written when, which weights are kept, and when to stop.

Whatever happens, the folder says so: "finished" after the last epoch or an early stop, "diverged" after a loss that is
not a number, "interrupted" after Ctrl-C or any other failure. A process that is killed leaves "running".
"""

from pathlib import Path

import numpy as np
from pydantic import JsonValue

from optotype.data.dataset import Dataset
from optotype.data.splits import Split, split_of
from optotype.engine.frozen import FrozenNetwork
from optotype.engine.network import Network
from optotype.errors import DataError, DivergedError, RecipeError
from optotype.models.transfer import TransferRecipe
from optotype.recipes.recipe import Recipe
from optotype.runs.environment import describe_environment
from optotype.runs.naming import create_run_folder
from optotype.runs.run import Run
from optotype.training.auto_augment import resolve_augment
from optotype.training.best_epoch import is_over
from optotype.training.checkpoint import Checkpointer
from optotype.training.loop import Report, epochs


def train(
    data: Dataset,
    recipe: Recipe | TransferRecipe,
    *,
    out: str | Path | None = None,
    threads: int | None = None,
    report: Report | None = None,
    curves: bool = True,
) -> Run:
    """Train a model to the end and keep it, with everything that made it, in a run folder.

    The model has the weights of the last epoch, or of the best one where early stopping restores it, and is calibrated
    on validation images. The test split is not looked at.

    Args:
        data: What to train on.
        recipe: What to train and how; from `Model.extended`, it says too which model to begin from.
        out: The run folder to make; by default a new one under runs/ in the working folder.
        threads: Threads to use, at least 1; by default every core. They do not change the result.
        report: Called some times a second with the progress, and once after every epoch with its record.
        curves: Whether to draw loss and accuracy over the epochs, which takes longer than a very small training.

    Returns:
        The finished run.

    Raises:
        DataError: There is no training image, only one class, a label out of range, or images of another shape than
            those of the model to begin from.
        RecipeError: The recipe does not fit the data, or the model to begin from.
        EngineError: The layers do not fit the images, or the processor cannot do what is asked.
        RunError: The run folder is in the way, or cannot be written.
        DivergedError: The loss is no longer a number; the weights of the best finished epoch are kept.
        KeyboardInterrupt: Ctrl-C; the weights after the last whole step are kept. Its text says where.
    """
    _check_labels(data)
    extended, recipe = (recipe, recipe.recipe) if isinstance(recipe, TransferRecipe) else (None, recipe)
    start = extended.initial_weights(data.shape, data.class_names) if extended else None
    split = _split(data, recipe)
    recipe, measured = _settle(recipe, data, split, threads)
    network = _network(
        recipe, data, threads, frozen=extended.shared_layers if extended and extended.freeze else 0
    )
    environment = describe_environment(network.isa, network.threads, network.precision)
    folder = create_run_folder(data.name, recipe) if out is None else out
    run = Run.create(folder, recipe, data, split, environment)
    _explain(run, measured, extended)
    keeper = Checkpointer(run, network, data, recipe, curves=curves)
    try:
        for epoch in epochs(network, data, split, recipe, report, start):
            run.append_epoch(epoch)
            best = keeper.see(epoch)
            if is_over(epoch, best, recipe.early_stopping):
                break
        keeper.finish()
    except DivergedError as error:
        kept = keeper.save_best(error)
        keeper.draw_curves()
        raise DivergedError(f"{error} {kept}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Training was stopped. {keeper.save_current('Ctrl-C')}") from None
    except BaseException as error:
        error.add_note(keeper.save_current(f"{type(error).__name__}: {error}"))
        raise
    keeper.draw_curves()
    return run


def _check_labels(data: Dataset) -> None:
    classes = len(data.class_names)
    if len(data.labels) == 0:
        raise DataError(
            f"{data.name} has no training image, expected at least one of each class. Add images."
        )
    wrong = np.flatnonzero((data.labels < 0) | (data.labels >= classes))
    if len(wrong):
        raise DataError(
            f"Label {data.labels[wrong[0]]} at index {wrong[0]} of {data.name} is out of range, expected 0 to"
            f" {classes - 1} for {classes} class names. Number the classes from 0, or name every class."
        )
    if len(np.unique(data.labels)) < 2:
        raise DataError(
            f"All {len(data.labels)} training images of {data.name} are of one class, expected at least two to tell"
            " apart. Add images of another class."
        )


def _network(recipe: Recipe, data: Dataset, threads: int | None, frozen: int) -> Network | FrozenNetwork:
    layers = recipe.network_layers(len(data.class_names))
    network = Network(layers, data.shape, scale=recipe.scale, threads=threads, precision=recipe.precision)
    return FrozenNetwork(network, frozen) if frozen else network


def _settle(
    recipe: Recipe, data: Dataset, split: Split, threads: int | None
) -> tuple[Recipe, dict[str, JsonValue] | None]:
    try:
        return resolve_augment(recipe, data, split.train, threads)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Training was stopped while its augmentation was chosen. Nothing was kept."
        ) from None


def _explain(run: Run, measured: dict[str, JsonValue] | None, extended: TransferRecipe | None) -> None:
    """Keep in the run what is not in its recipe."""
    if measured is not None:
        run.save_augment_choice(measured)
    if extended is not None:
        run.save_transfer(extended.start())


def _split(data: Dataset, recipe: Recipe) -> Split:
    split = split_of(data, recipe.validation, recipe.split_seed)
    if recipe.early_stopping is not None and len(split.validation) == 0:
        raise RecipeError(
            f"The recipe has early_stopping, but validation = {recipe.validation} of {len(data.labels)} images is none,"
            " expected at least one to watch. Ask for more validation, or take early_stopping away."
        )
    return split
