"""The training loop: for each epoch a random order, one call into the engine, the validation and a record.

No random stream is consumed: the order of an epoch is a hash of (seed, epoch), so an epoch does not depend on how the
epochs before it were run.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.engine.augmentation import Augment
from optotype.engine.network import EpochTotals
from optotype.engine.schedules import learning_rates
from optotype.engine.trainable import Trainable
from optotype.errors import DivergedError, RecipeError
from optotype.metrics import accuracy, log_loss
from optotype.randomness import permutation, purpose
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch
from optotype.training.plan import Indices, TrainingPlan

# Separates the hash of an epoch's order from every other use of (seed, epoch).
_ORDER: Final = purpose("order")


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        epoch: The epoch that is running or has just finished, counted from 1.
        epochs: Number of epochs in the recipe.
        images_done: Training images of this epoch that the network has processed.
        images_total: Training images per epoch.
        seconds: Time since the epoch began.
        result: The record of the finished epoch; None while it runs.
    """

    epoch: int
    epochs: int
    images_done: int
    images_total: int
    seconds: float
    result: Epoch | None = None


Report = Callable[[Progress], None]


def epochs(plan: TrainingPlan, network: Trainable, report: Report | None = None) -> Iterator[Epoch]:
    """Train a network from its initial weights, one epoch per iteration.

    Args:
        plan: The plan of the training, with its augmentation resolved.
        network: The network that `build_network` built for the plan; its weights are initialized here.
        report: Called several times per second with the progress, and once after every epoch with its record.

    Yields:
        The record of each epoch, in order. At that moment the network has the weights after that epoch.

    Raises:
        RecipeError: If the recipe's augment is still "auto".
        DivergedError: If the loss is not finite; the message names the epoch and the step.
    """
    recipe, data, train = plan.recipe, plan.data, plan.split.train
    n = len(train)
    steps = math.ceil(n / recipe.batch_size)
    _prepare(network, plan)
    for number, rates in enumerate(_learning_rates(recipe, steps), start=1):
        started = time.perf_counter()
        order = train[permutation(n, recipe.seed, _ORDER, number)]
        show = _reporter(report, number, recipe.epochs, n, started)
        totals = network.train_epoch(
            data.images,
            data.labels,
            order,
            learning_rates=rates,
            key=(recipe.seed, number),
            report=show,
        )
        _check_finite(network, totals, number, steps, recipe)
        val_loss, val_accuracy = _validate(network, data, plan.monitored)
        if val_loss is not None and not math.isfinite(val_loss):
            raise _diverged(number, f"after step {steps} of {steps}: the validation loss", recipe)
        epoch = Epoch(
            epoch=number,
            loss=totals.loss,
            accuracy=totals.accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=float(rates[-1]),
            seconds=time.perf_counter() - started,
            images=totals.images,
        )
        show(n, epoch)
        yield epoch


def _prepare(network: Trainable, plan: TrainingPlan) -> None:
    """Compile a network and set its initial weights."""
    augment = plan.recipe.augment
    if not isinstance(augment, Augment | None):
        raise RecipeError(
            f"The recipe has augment = {augment!r}, expected a resolved augmentation."
            " Call resolve_augment on the plan first, as train does."
        )
    network.compile(plan.recipe.optimizer, plan.recipe.batch_size, augment)
    network.initialize(plan.recipe.seed)
    if plan.initial_weights:
        network.set_weights({**network.weights(), **plan.initial_weights})


def _learning_rates(recipe: Recipe, steps: int) -> NDArray[np.float32]:
    """Return the learning rate of every step, float32 of shape (epochs, steps)."""
    # A rate beyond float32 becomes infinite; training then reports that it diverged.
    with np.errstate(over="ignore"):
        rates = learning_rates(recipe.schedule, recipe.optimizer.learning_rate, steps * recipe.epochs)
    return rates.reshape(recipe.epochs, steps)


def _reporter(
    report: Report | None, number: int, epoch_count: int, images_total: int, started: float
) -> Callable[..., None]:
    """Return a function that turns the engine's image count, or an epoch's record, into a progress report."""

    def show(images_done: int, result: Epoch | None = None) -> None:
        if report is not None:
            seconds = time.perf_counter() - started
            report(Progress(number, epoch_count, images_done, images_total, seconds, result))

    return show


def _validate(network: Trainable, data: Dataset, rows: Indices) -> tuple[float, float] | tuple[None, None]:
    """Return loss and accuracy on validation images; None and None without any."""
    if len(rows) == 0:
        return None, None
    logits = network.logits(data.images[rows])
    return log_loss(logits, data.labels[rows]), accuracy(logits, data.labels[rows])


def _check_finite(network: Trainable, totals: EpochTotals, number: int, steps: int, recipe: Recipe) -> None:
    if not totals.finite:
        raise _diverged(number, f"at step {totals.steps + 1} of {steps}: the training loss", recipe)
    # A step's loss is measured before the weights are updated, so damage by the last step shows only in the weights.
    if not all(bool(np.isfinite(weight).all()) for weight in network.weights().values()):
        raise _diverged(number, f"at step {steps} of {steps}: a weight", recipe)


def _diverged(number: int, place: str, recipe: Recipe) -> DivergedError:
    rate = recipe.optimizer.learning_rate
    lower = min(rate / 10, type(recipe.optimizer)().learning_rate)
    return DivergedError(
        f"Training diverged in epoch {number} {place} is not a finite number."
        f" Try a learning rate below {rate:g}, for example optimizer.learning_rate={lower:g}."
    )
