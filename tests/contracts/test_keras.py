"""Every layer and every optimizer gives the results of Keras 3."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine.layers import Dropout, Layer
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD, Optimizer
from optotype.metrics import softmax
from tests.contracts.keras_oracle import Oracle
from tests.contracts.nets import NETS, OPTIMIZERS, SHAPE, images, labels, network

BATCH = 24
# The gradient of a bias right before batch normalization is only rounding error, which RMSprop and Adam scale up.
WITHOUT_GRADIENT = {"BatchNormalization inside": {"0.bias", "5.bias"}}


def without_dropout(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Set all dropout rates to 0, because the two libraries use different random numbers."""
    return tuple(replace(layer, rate=0.0) if isinstance(layer, Dropout) else layer for layer in layers)


def pair(net: str, optimizer: Optimizer) -> tuple[Network, Oracle]:
    """Build the same network in both libraries, with the same weights."""
    layers = without_dropout(NETS[net])
    candidate = Network(layers, SHAPE)
    candidate.set_weights(network(net, optimizer, BATCH).weights())
    candidate.compile(optimizer, BATCH)
    oracle = Oracle(layers, SHAPE, optimizer)
    oracle.set_weights(candidate.weights())
    return candidate, oracle


def step(candidate: Network, x: NDArray[np.float32], y: NDArray[np.int64], rate: float) -> float:
    """Make one step with all of x and return the loss."""
    rates = np.full(1, rate, np.float32)
    return candidate.train_epoch(x, y, np.arange(len(x)), learning_rates=rates, key=(0, 0)).loss


@pytest.mark.parametrize("net", NETS)
def test_probabilities_match_keras(net: str) -> None:
    """The same weights give the same probabilities."""
    candidate, oracle = pair(net, SGD())
    np.testing.assert_allclose(
        softmax(candidate.logits(images(30))), oracle.probabilities(images(30)), rtol=2e-5, atol=1e-6
    )


@pytest.mark.parametrize("net", NETS)
def test_gradients_match_keras(net: str) -> None:
    """One step with learning rate 1 changes every parameter, including moving statistics, as in Keras."""
    candidate, oracle = pair(net, SGD(1.0))
    before = candidate.weights()
    x, y = images(BATCH), labels(BATCH)
    assert step(candidate, x, y, 1.0) == pytest.approx(oracle.step(x, y), rel=1e-5)
    after, keras_weights = candidate.weights(), oracle.weights()
    assert after.keys() == keras_weights.keys()
    largest = max(np.abs(before[name] - keras_weights[name]).max() for name in after)
    for name, values in after.items():
        gradient, expected = before[name] - values, before[name] - keras_weights[name]
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=2e-5 * largest, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("net", NETS)
def test_ten_steps_match_keras(net: str, optimizer: str) -> None:
    """After ten steps of each optimizer, parameters differ from Keras by at most 1 % of their change."""
    spec = OPTIMIZERS[optimizer]
    candidate, oracle = pair(net, spec)
    before = candidate.weights()
    for at in range(10):
        x, y = images(BATCH, at), labels(BATCH, at)
        assert step(candidate, x, y, spec.learning_rate) == pytest.approx(oracle.step(x, y), rel=1e-4)
    after, expected = candidate.weights(), oracle.weights()
    for name in after.keys() - WITHOUT_GRADIENT.get(net, set()):
        change = np.linalg.norm(expected[name] - before[name])
        assert np.linalg.norm(after[name] - expected[name]) <= 0.01 * change + 1e-6, name
