"""The training loop, to read straight down: an order, one call into the engine, a look at validation, a record.

Nothing is drawn from a stream: the order of an epoch is a hash of (seed, epoch), so an epoch does not depend on how
the ones before it were run.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.data.splits import Split
from optotype.engine.augmentation import Augment
from optotype.engine.frozen import FrozenNetwork
from optotype.engine.network import EpochTotals, Network
from optotype.engine.schedules import learning_rates
from optotype.errors import DivergedError, RecipeError
from optotype.metrics import accuracy, log_loss
from optotype.randomness import permutation, purpose
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch
from optotype.training.uncertainty import split_validation

# Sets the hash of an epoch's order apart from every other (seed, epoch): the word "order" in ASCII.
_ORDER: Final = purpose("order")


@dataclass(frozen=True)
class Progress:
    """How far a training is; given to whoever asked for reports.

    Attributes:
        epoch: The epoch now running, or just finished, from 1.
        epochs: Epochs that the recipe asks for.
        images_done: Training images of this epoch that went through the network.
        images_total: Training images of an epoch.
        seconds: Time since the epoch began.
        result: The finished epoch's record; None while it runs.
    """

    epoch: int
    epochs: int
    images_done: int
    images_total: int
    seconds: float
    result: Epoch | None = None


Report = Callable[[Progress], None]


def epochs(
    network: Network | FrozenNetwork,
    data: Dataset,
    split: Split,
    recipe: Recipe,
    report: Report | None = None,
    start: Mapping[str, NDArray[np.float32]] | None = None,
) -> Iterator[Epoch]:
    """Train a network from its first weights, one epoch at a time; it is trained as far as was asked for.

    Args:
        network: Built from the recipe's layers for the data's shape and classes; its weights are drawn anew.
        data: Images and labels of the training split.
        split: Which of them train and which validate; with early stopping half of the latter are watched.
        recipe: The optimizer, schedule, augmentation, batch size, number of epochs and seed.
        report: Called some times a second with the progress, and once after every epoch with its record.
        start: Weights by name that are begun with in the place of drawn ones.

    Yields:
        The record of each epoch, in order, while the network holds the weights after it.

    Raises:
        RecipeError: The recipe's augmentation is still "auto".
        DivergedError: The loss is no longer a number; the message names the epoch and the step.
    """
    n = len(split.train)
    steps = math.ceil(n / recipe.batch_size)
    watched = split_validation(recipe, data.labels, split)[0]
    _begin(network, recipe, start or {})
    for number, rates in enumerate(_learning_rates(recipe, steps), start=1):
        started = time.perf_counter()
        order = split.train[permutation(n, recipe.seed, _ORDER, number)]
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
        val_loss, val_accuracy = _validate(network, data, watched)
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


def _begin(
    network: Network | FrozenNetwork, recipe: Recipe, start: Mapping[str, NDArray[np.float32]]
) -> None:
    network.compile(recipe.optimizer, recipe.batch_size, _augment(recipe))
    network.initialize(recipe.seed)
    if start:
        network.set_weights({**network.weights(), **start})


def _augment(recipe: Recipe) -> Augment | None:
    """Give what the recipe says; what it leaves open was to be chosen before."""
    if isinstance(recipe.augment, str):
        raise RecipeError(
            "'augment' is 'auto', expected what was chosen. Settle the recipe first, as train does."
        )
    return recipe.augment


def _learning_rates(recipe: Recipe, steps: int) -> NDArray[np.float32]:
    """Give the learning rate of every step of the whole training, a row an epoch."""
    with np.errstate(over="ignore"):  # a rate beyond float32 is infinite, and training says so by diverging
        rates = learning_rates(recipe.schedule, recipe.optimizer.learning_rate, steps * recipe.epochs)
    return rates.reshape(recipe.epochs, steps)


def _reporter(report: Report | None, number: int, of: int, total: int, started: float) -> Callable[..., None]:
    """Turn the engine's count of images, and at the end the epoch's record, into reports of progress."""

    def show(done: int, result: Epoch | None = None) -> None:
        if report is not None:
            report(Progress(number, of, done, total, time.perf_counter() - started, result))

    return show


def _validate(
    network: Network | FrozenNetwork, data: Dataset, rows: NDArray[np.int64]
) -> tuple[float, float] | tuple[None, None]:
    """Measure loss and accuracy on the validation images; None and None where there are none."""
    if len(rows) == 0:
        return None, None
    logits = network.logits(data.images[rows])
    return log_loss(logits, data.labels[rows]), accuracy(logits, data.labels[rows])


def _check_finite(
    network: Network | FrozenNetwork, totals: EpochTotals, number: int, steps: int, recipe: Recipe
) -> None:
    if not totals.finite:
        raise _diverged(number, f"at step {totals.steps + 1} of {steps}: the training loss", recipe)
    # A step's loss is measured before it moves the weights, so the last step's own damage shows only in them.
    if not all(bool(np.isfinite(weight).all()) for weight in network.weights().values()):
        raise _diverged(number, f"at step {steps} of {steps}: a weight", recipe)


def _diverged(number: int, where: str, recipe: Recipe) -> DivergedError:
    rate = recipe.optimizer.learning_rate
    lower = min(rate / 10, type(recipe.optimizer)().learning_rate)
    return DivergedError(
        f"Training diverged in epoch {number} {where} is not a finite number."
        f" Try a lower learning rate than {rate:g}, such as optimizer.learning_rate={lower:g}."
    )
