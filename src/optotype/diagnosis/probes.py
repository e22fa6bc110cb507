"""Experiments on the network of a run: its gradient, features and units, and short trainings at other learning rates.

The initial weights are a function of recipe and seed, so they can be drawn again. A gradient is measured by one step of
plain gradient descent. Everything is computed in fp32.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from optotype.diagnosis.context import DiagnosisContext
from optotype.engine.augmentation import Augment
from optotype.engine.layers import BatchNormalization
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD
from optotype.engine.schedules import learning_rates
from optotype.metrics import log_loss
from optotype.randomness import permutation, purpose

InitialWeights = Literal["initial", "final"]

_BATCH_SIZE: Final = 512
_MAX_SHORT_TRAINING_IMAGES: Final = 6400  # 100 steps of 64
# Keeps a gradient of 1e-8 from being lost in a weight of 1. A power of two adds no rounding error.
_GRADIENT_RATE: Final = 1024.0
_SATURATION_MARGIN: Final = 0.01
_MIN_SATURATED_SHARE: Final = 0.95
_CHUNK_VALUES: Final = 1 << 24
# Separates the order of a short training from those of the epochs.
_SHORT_TRAINING: Final = purpose("trial")


@dataclass(frozen=True)
class LayerUnits:
    """The dead or saturated units of a layer on the sample.

    Attributes:
        layer: The index of the layer.
        activation: "relu", "tanh" or "sigmoid".
        count: Number of units or filters.
        inactive: Share of them that are dead (relu: never above 0) or saturated (tanh, sigmoid: within 0.01 of a limit
            for more than 95 % of the images).
    """

    layer: int
    activation: str
    count: int
    inactive: float


def initial_network(context: DiagnosisContext) -> Network:
    """Build the network of a run with its initial weights."""
    network = _build_network(context)
    network.initialize(context.recipe.seed)
    return network


def trained_network(context: DiagnosisContext) -> Network:
    """Build a new network with the weights of the model, which may be changed."""
    network = _build_network(context)
    network.set_weights(context.model.weights)
    return network


def _build_network(context: DiagnosisContext) -> Network:
    return Network(context.model.layers, context.model.input_shape, scale=context.recipe.scale)


def gradient_ratio(network: Network, context: DiagnosisContext) -> float:
    """Compute how much a step of gradient descent changes the first layer, relative to the last.

    Returns:
        The first kernel's gradient divided by its norm, over the same of the last kernel; both as Euclidean norms. At
        the start of training it is about 1, far below if the gradient vanishes on its way back, and infinite if the
        last kernel has no gradient (Hochreiter, 1991; Glorot and Bengio, Understanding the difficulty of training deep
        feedforward neural networks, 2010, section 4.2).
    """
    images, labels = context.sample
    before, order = network.weights(), np.arange(min(len(labels), _BATCH_SIZE))
    network.compile(SGD(), len(order))
    rates = np.full(1, _GRADIENT_RATE, np.float32)
    network.train_epoch(images, labels, order, learning_rates=rates, key=(context.recipe.seed, 0))
    after = network.weights()
    network.set_weights(before)
    kernels = [name for name in before if name.endswith(".kernel")]
    first, last = (
        float(np.linalg.norm(before[name] - after[name]) / np.linalg.norm(before[name]))
        for name in (kernels[0], kernels[-1])
    )
    return first / last if last > 0 and math.isfinite(first) else math.inf


def feature_spread(network: Network, context: DiagnosisContext) -> float:
    """Compute how much the features, the inputs of the last layer, differ between images.

    Returns:
        The mean standard deviation over images, as a share of the features' mean absolute value; 0 if all images have
        the same features.
    """
    features = network.outputs(context.sample[0][:_BATCH_SIZE], -2).reshape(
        -1, math.prod(network.rows[-1].input_shape)
    )
    size = float(np.abs(features).mean())
    return float(features.std(axis=0).mean() / size) if size else 0.0


def measure_units(
    network: Network, context: DiagnosisContext, activations: Collection[str]
) -> tuple[LayerUnits, ...]:
    """Measure the units of every layer with one of some activations ("relu", "tanh", "sigmoid"), first to last."""
    layers = []
    for layer, row in enumerate(network.rows[:-1]):
        activation = getattr(row.layer, "activation", "linear")
        if activation in activations:
            inactive = _inactive_units(network, layer, activation, context.sample[0])
            layers.append(LayerUnits(layer, activation, len(inactive), float(inactive.mean())))
    return tuple(layers)


def _inactive_units(
    network: Network, layer: int, activation: str, images: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Return for each unit or filter of a layer whether it is dead or saturated."""
    shape = network.rows[layer].output_shape
    chunk = max(1, _CHUNK_VALUES // math.prod(shape))
    counts = np.zeros(shape[-1])
    for start in range(0, len(images), chunk):
        outputs = network.outputs(images[start : start + chunk], layer).reshape(-1, shape[-1])
        if activation == "relu":
            counts += (outputs <= 0).sum(axis=0)
        else:
            low = 0.0 if activation == "sigmoid" else -1.0
            saturated = (outputs < low + _SATURATION_MARGIN) | (outputs > 1 - _SATURATION_MARGIN)
            counts += saturated.sum(axis=0)
    total = len(images) * math.prod(shape[:-1])
    return counts == total if activation == "relu" else counts > _MIN_SATURATED_SHARE * total


def sample_loss(network: Network, context: DiagnosisContext) -> float:
    """Compute the loss on the sample, in nats.

    With batch normalization it is the loss in training, with the statistics of batches. After few steps the moving
    statistics, which prediction uses, lag behind the weights, and would give good weights a high loss. This changes the
    moving statistics.
    """
    images, labels = context.sample
    if not any(isinstance(row.layer, BatchNormalization) for row in network.rows):
        return log_loss(network.logits(images), labels)
    size = context.recipe.batch_size
    network.compile(SGD(), size)
    zero_rates = np.zeros(math.ceil(len(labels) / size), np.float32)
    order = np.arange(len(labels))
    return network.train_epoch(
        images, labels, order, learning_rates=zero_rates, key=(context.recipe.seed, _SHORT_TRAINING)
    ).loss


def short_training_images(context: DiagnosisContext) -> int:
    """Return the number of training images of a short training: 6,400, or fewer if the run saw fewer."""
    return min(_MAX_SHORT_TRAINING_IMAGES, context.train.n * len(context.epochs))


def short_training_steps(context: DiagnosisContext) -> int:
    """Return the number of steps of a short training."""
    return math.ceil(short_training_images(context) / context.recipe.batch_size)


def loss_after_short_training(
    context: DiagnosisContext, weights: InitialWeights, rate_factor: float
) -> float:
    """Train briefly and return the loss on the sample, in nats. Each result is computed once.

    Args:
        context: The run, whose optimizer, batch size and augmentation are used.
        weights: "initial" starts from the run's initial weights, with its schedule shortened; "final" starts from the
            weights of the model, at a constant rate.
        rate_factor: Factor of the learning rate.

    Returns:
        The loss after ``short_training_images`` images; infinite if the training diverged.
    """
    key = (weights, rate_factor)
    if key not in context.short_training_losses:
        context.short_training_losses[key] = _train_briefly(context, weights, rate_factor)
    return context.short_training_losses[key]


def _train_briefly(context: DiagnosisContext, weights: InitialWeights, rate_factor: float) -> float:
    network = initial_network(context) if weights == "initial" else trained_network(context)
    recipe, predictions = context.recipe, context.evidence.predictions["train"]
    n, total = len(predictions.labels), short_training_images(context)
    order = predictions.indices[np.resize(permutation(n, recipe.seed, _SHORT_TRAINING), total)]
    network.compile(
        recipe.optimizer, recipe.batch_size, recipe.augment if isinstance(recipe.augment, Augment) else None
    )
    with np.errstate(over="ignore"):
        rate, steps = recipe.optimizer.learning_rate * rate_factor, short_training_steps(context)
        rates = (
            learning_rates(recipe.schedule, rate, steps)
            if weights == "initial"
            else np.full(steps, rate, np.float32)
        )
    totals = network.train_epoch(
        context.evidence.images["train"],
        _labels_by_index(context),
        order,
        learning_rates=rates,
        key=(recipe.seed, _SHORT_TRAINING),
    )
    loss = sample_loss(network, context) if totals.finite else math.inf
    return loss if math.isfinite(loss) else math.inf


def _labels_by_index(context: DiagnosisContext) -> NDArray[np.int64]:
    """Return an array with the labels of the training images at their indices, and 0 elsewhere."""
    predictions = context.evidence.predictions["train"]
    labels = np.zeros(len(context.evidence.images["train"]), np.int64)
    labels[predictions.indices] = predictions.labels
    return labels
