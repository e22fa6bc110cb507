"""Experiments on the network of a case: what it was like before training, its units, and how it trains at other rates.

The first weights are a function of recipe and seed, so they are drawn again; a gradient is read off one step of plain
gradient descent. All in single precision.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from optotype.diagnosis.case import Case
from optotype.engine.augmentation import Augment
from optotype.engine.layers import BatchNormalization
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD
from optotype.engine.schedules import learning_rates
from optotype.metrics import log_loss
from optotype.randomness import permutation, purpose

_BATCH: Final = 512
_MOST_OF_A_TRIAL: Final = 6400  # 100 steps of 64
# Keeps a gradient of 1e-8 from being lost beside a weight of 1; a power of two, so that nothing else is.
_RATE: Final = 1024.0
_LIMIT: Final = 0.01
_MOSTLY: Final = 0.95
_NUMBERS_AT_ONCE: Final = 1 << 24
# Sets the order of a trial apart from those of the epochs: the word "trial" in ASCII.
_TRIAL: Final = purpose("trial")


@dataclass(frozen=True)
class Units:
    """What the units of a layer do on the sample.

    Attributes:
        layer: The layer's place.
        activation: "relu", "tanh" or "sigmoid".
        count: How many units or filters it has.
        stuck: Share of them that are dead (relu: never above 0) or saturated (tanh, sigmoid: within 0.01 of a limit
            for more than 95 % of the images).
    """

    layer: int
    activation: str
    count: int
    stuck: float


def start_of(case: Case) -> Network:
    """Build the network of a case with the weights that its training started from."""
    network = _network(case)
    network.initialize(case.recipe.seed)
    return network


def end_of(case: Case) -> Network:
    """Build the network of a case with the weights of its model, to be changed at will."""
    network = _network(case)
    network.set_weights(case.model.weights)
    return network


def _network(case: Case) -> Network:
    return Network(case.model.layers, case.model.input_shape, scale=case.recipe.scale)


def reach(network: Network, case: Case) -> float:
    """Measure how much less a step of gradient descent moves the first layer than the last.

    Returns:
        The first kernel's gradient over its size, divided by the same of the last kernel; both as Euclidean norms. At
        the start of training about 1; far below where the gradient vanishes on its way back, and infinite where none
        is to be had (Hochreiter, 1991; Glorot
        and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, section 4.2).
    """
    images, labels = case.sample
    before, order = network.weights(), np.arange(min(len(labels), _BATCH))
    network.compile(SGD(), len(order))
    rates = np.full(1, _RATE, np.float32)
    network.train_epoch(images, labels, order, learning_rates=rates, key=(case.recipe.seed, 0))
    after = network.weights()
    network.set_weights(before)
    kernels = [name for name in before if name.endswith(".kernel")]
    first, last = (
        float(np.linalg.norm(before[name] - after[name]) / np.linalg.norm(before[name]))
        for name in (kernels[0], kernels[-1])
    )
    return first / last if last > 0 and math.isfinite(first) else math.inf


def spread(network: Network, case: Case) -> float:
    """Measure how differently images look to the last layer.

    Returns:
        The standard deviation over images of what the last layer is given, as a share of its mean size; 0 where all
        images look alike.
    """
    features = network.outputs(case.sample[0][:_BATCH], -2).reshape(
        -1, math.prod(network.rows[-1].input_shape)
    )
    size = float(np.abs(features).mean())
    return float(features.std(axis=0).mean() / size) if size else 0.0


def units(network: Network, case: Case, activations: Collection[str]) -> tuple[Units, ...]:
    """Look at the units of every layer with one of some activations ("relu", "tanh", "sigmoid"), first to last."""
    found = []
    for place, row in enumerate(network.rows[:-1]):
        activation = getattr(row.layer, "activation", "linear")
        if activation in activations:
            stuck = _stuck(network, place, activation, case.sample[0])
            found.append(Units(place, activation, len(stuck), float(stuck.mean())))
    return tuple(found)


def _stuck(network: Network, layer: int, activation: str, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say of each unit or filter of a layer whether it is dead or saturated."""
    shape = network.rows[layer].output_shape
    at_once = max(1, _NUMBERS_AT_ONCE // math.prod(shape))
    idle = np.zeros(shape[-1])
    for start in range(0, len(images), at_once):
        outputs = network.outputs(images[start : start + at_once], layer).reshape(-1, shape[-1])
        if activation == "relu":
            idle += (outputs <= 0).sum(axis=0)
        else:
            low = 0.0 if activation == "sigmoid" else -1.0
            idle += ((outputs < low + _LIMIT) | (outputs > 1 - _LIMIT)).sum(axis=0)
    answers = len(images) * math.prod(shape[:-1])
    return idle == answers if activation == "relu" else idle > _MOSTLY * answers


def loss_of(network: Network, case: Case) -> float:
    """Give the loss on the sample, in nats.

    With batch normalization it is that of training, by the statistics of batches: after few steps the moving ones that
    prediction takes lag behind the weights, and would make good weights look bad. That changes the moving ones.
    """
    images, labels = case.sample
    if not any(isinstance(row.layer, BatchNormalization) for row in network.rows):
        return log_loss(network.logits(images), labels)
    size = case.recipe.batch_size
    network.compile(SGD(), size)
    still = np.zeros(math.ceil(len(labels) / size), np.float32)
    order = np.arange(len(labels))
    return network.train_epoch(
        images, labels, order, learning_rates=still, key=(case.recipe.seed, _TRIAL)
    ).loss


def images_of_a_trial(case: Case) -> int:
    """Count the training images that `loss_after` goes through: 6,400, or as many as the run saw."""
    return min(_MOST_OF_A_TRIAL, case.train.n * len(case.epochs))


def steps_of_a_trial(case: Case) -> int:
    """Count the steps that `loss_after` makes."""
    return math.ceil(images_of_a_trial(case) / case.recipe.batch_size)


def loss_after(case: Case, begin: Literal["start", "end"], factor: float) -> float:
    """Train a little and give the loss on the sample, in nats; measured once.

    Args:
        case: With its optimizer, batch size and augmentation.
        begin: Whether with the weights that the training started from, and its schedule, made as short; or with those
            that it ended with, at one rate.
        factor: What its learning rate is multiplied by.

    Returns:
        The loss after ``images_of_a_trial`` images; infinite where it diverged.
    """
    known = case.trials.get((begin, factor))
    if known is None:
        known = case.trials[begin, factor] = _trial(case, begin, factor)
    return known


def _trial(case: Case, begin: Literal["start", "end"], factor: float) -> float:
    network = start_of(case) if begin == "start" else end_of(case)
    recipe, said = case.recipe, case.evidence.predictions["train"]
    n, total = len(said.labels), images_of_a_trial(case)
    order = said.indices[np.resize(permutation(n, recipe.seed, _TRIAL), total)]
    network.compile(
        recipe.optimizer, recipe.batch_size, recipe.augment if isinstance(recipe.augment, Augment) else None
    )
    with np.errstate(over="ignore"):
        rate, steps = recipe.optimizer.learning_rate * factor, steps_of_a_trial(case)
        rates = (
            learning_rates(recipe.schedule, rate, steps)
            if begin == "start"
            else np.full(steps, rate, np.float32)
        )
    totals = network.train_epoch(
        case.evidence.images["train"], _labels(case), order, learning_rates=rates, key=(recipe.seed, _TRIAL)
    )
    loss = loss_of(network, case) if totals.finite else math.inf
    return loss if math.isfinite(loss) else math.inf


def _labels(case: Case) -> NDArray[np.int64]:
    """Give the labels by the places of the images; those of images that are not for training do not matter."""
    said = case.evidence.predictions["train"]
    labels = np.zeros(len(case.evidence.images["train"]), np.int64)
    labels[said.indices] = said.labels
    return labels
