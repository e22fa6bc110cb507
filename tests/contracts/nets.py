"""Small networks, one or more for each layer, and data for them, for the contract tests of the engine."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD, Adam, Optimizer, RMSprop
from optotype.engine.processor import Precision

CLASSES: Final = 5
SHAPE: Final = (11, 9, 2)
HEAD: Final = Dense(CLASSES, "softmax")

# Sizes are odd on purpose: none is a multiple of a vector or a panel, and some need several panels.
NETS: Final[dict[str, tuple[Layer, ...]]] = {
    "Flatten": (Flatten(), HEAD),
    "Dense": (Flatten(), Dense(37, "tanh"), Dense(70, "sigmoid"), Dense(13), HEAD),
    "Dense relu": (Flatten(), Dense(41, "relu"), Dense(33, "relu", "random_normal"), HEAD),
    # With so many weights, batches of up to 43 images are divided by columns, not by samples.
    "Dense columns": (Flatten(), Dense(300, "sigmoid"), Dropout(0.2), Dense(290, "tanh"), Dense(9), HEAD),
    "BatchNormalization in columns": (
        Conv2D(5, 3, "tanh"),
        Flatten(),
        BatchNormalization(),
        Dense(300, "sigmoid"),
        BatchNormalization(),
        Dense(290, "tanh"),
        HEAD,
    ),
    "Conv2D": (Conv2D(7, 3, "tanh"), Conv2D(5, (2, 3), "sigmoid"), Flatten(), HEAD),
    "Conv2D wide": (Conv2D(40, 3, "relu"), Conv2D(35, (3, 2), "tanh", "random_normal"), Flatten(), HEAD),
    "Conv2D many channels": (Conv2D(20, 3, "relu"), Conv2D(70, 2), Conv2D(9, 5, "tanh"), Flatten(), HEAD),
    "Conv2D same": (
        Conv2D(17, 3, "tanh", padding="same"),
        Conv2D(34, (2, 5), "sigmoid", padding="same"),
        Conv2D(3, 4, "tanh", padding="same"),
        Flatten(),
        HEAD,
    ),
    "Conv2D then all": (
        Conv2D(33, (5, 4), "tanh", padding="same"),
        MaxPooling2D((3, 2)),
        Dropout(0.2),
        Conv2D(18, 3, padding="same"),
        MaxPooling2D((1, 2)),
        Flatten(),
        HEAD,
    ),
    "MaxPooling2D": (
        Conv2D(6, 2, "tanh"),
        MaxPooling2D(2),
        Conv2D(34, 2),
        MaxPooling2D((2, 3)),
        Flatten(),
        HEAD,
    ),
    "Dropout": (Flatten(), Dense(30, "tanh"), Dropout(0.3), Dense(20, "sigmoid"), Dropout(0.5), HEAD),
    "BatchNormalization": (Flatten(), BatchNormalization(), Dense(30, "sigmoid"), HEAD),
    "BatchNormalization inside": (
        Conv2D(35, 3),
        BatchNormalization(0.9, 1e-2),
        MaxPooling2D(2),
        Dropout(0.2),
        Flatten(),
        Dense(24, "tanh"),
        BatchNormalization(),
        HEAD,
    ),
}

OPTIMIZERS: Final[dict[str, Optimizer]] = {
    "SGD": SGD(0.05),
    "SGD momentum": SGD(0.05, 0.9),
    "RMSprop": RMSprop(0.001),
    "Adam": Adam(0.001),
}


def images(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Return n random images with values in 0..1."""
    return np.random.default_rng(seed).random((n, *SHAPE), np.float32)


def labels(n: int, seed: int = 0) -> NDArray[np.int64]:
    """Return n random labels."""
    return np.random.default_rng(seed + 1).integers(0, CLASSES, n)


def network(
    net: str,
    optimizer: Optimizer,
    batch_size: int,
    *,
    threads: int = 2,
    isa: str | None = None,
    precision: Precision = "fp32",
) -> Network:
    """Build, initialize and compile one of the networks, with nonzero biases."""
    built = Network(NETS[net], SHAPE, threads=threads, isa=isa, precision=precision)
    built.initialize(7)
    rng = np.random.default_rng(3)
    weights = {
        name: values + rng.uniform(0.01, 0.1, values.shape).astype(np.float32) * (values.ndim == 1)
        for name, values in built.weights().items()
    }
    built.set_weights(weights)
    built.compile(optimizer, batch_size)
    return built


def steps(built: Network, count: int, batch_size: int, rate: float, *, n: int) -> list[float]:
    """Make `count` steps over n images, batch by batch, and return the loss of each."""
    x, y = images(n), labels(n)
    losses = []
    for step in range(count):
        order = np.arange(step * batch_size, (step + 1) * batch_size) % n
        rates = np.full(1, rate, np.float32)
        losses.append(built.train_epoch(x, y, order, learning_rates=rates, key=(0, step)).loss)
    return losses
