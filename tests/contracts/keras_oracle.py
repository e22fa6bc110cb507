"""Keras 3 as the oracle: builds the same net from the same specs, with the same weights.

JAX runs it without jit: the oracle should be slow and plain.
"""

import os
from collections.abc import Mapping

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.engine.optimizers import SGD, Adam, Optimizer, RMSprop


def keras_layer(layer: Layer) -> keras.layers.Layer:
    """Return the Keras layer of a layer spec.

    Its kernel starts at zero: every caller sets the weights, and JAX compiles a random initializer for seconds.
    """
    match layer:
        case Dense():
            return keras.layers.Dense(layer.units, layer.activation, kernel_initializer="zeros")
        case Conv2D():
            return keras.layers.Conv2D(
                layer.filters,
                layer.window,
                activation=layer.activation,
                padding=layer.padding,
                kernel_initializer="zeros",
            )
        case MaxPooling2D():
            return keras.layers.MaxPooling2D(layer.window)
        case Flatten():
            return keras.layers.Flatten()
        case Dropout():
            return keras.layers.Dropout(layer.rate)
        case BatchNormalization():
            return keras.layers.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon)


def keras_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    """Return the Keras optimizer of an optimizer spec."""
    match optimizer:
        case SGD():
            return keras.optimizers.SGD(optimizer.learning_rate, optimizer.momentum)
        case RMSprop():
            return keras.optimizers.RMSprop(optimizer.learning_rate, optimizer.rho, epsilon=optimizer.epsilon)
        case Adam():
            return keras.optimizers.Adam(
                optimizer.learning_rate, optimizer.beta_1, optimizer.beta_2, epsilon=optimizer.epsilon
            )


class Oracle:
    """A Keras model of the given layers, compiled with the given optimizer."""

    def __init__(self, layers: tuple[Layer, ...], shape: tuple[int, int, int], optimizer: Optimizer) -> None:
        self.model = keras.Sequential([keras.Input(shape), *map(keras_layer, layers)])
        self.model.compile(keras_optimizer(optimizer), "sparse_categorical_crossentropy", run_eagerly=True)

    def set_weights(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Copy the weights of a Network with the same layers."""
        for index, layer in enumerate(self.model.layers):
            layer.set_weights(
                [values for name, values in weights.items() if name.split(".")[0] == str(index)]
            )

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights under the names of a Network."""
        return {
            f"{index}.{weight.name}": np.asarray(weight.value)
            for index, layer in enumerate(self.model.layers)
            for weight in layer.weights
            if weight.name != "seed_generator_state"
        }

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the predicted probabilities."""
        return np.asarray(self.model(images, training=False))

    def step(self, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
        """Make one training step and return the loss."""
        return float(self.model.train_on_batch(images, labels))
