"""Every layer and every optimizer computes what Keras 3 computes."""

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
# A bias right before batch normalization has no gradient but rounding, of which RMSprop and Adam make whole steps.
WITHOUT_GRADIENT = {"BatchNormalization inside": {"0.bias", "5.bias"}}


def without_chance(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Let dropout keep everything: the two libraries draw different numbers."""
    return tuple(replace(layer, rate=0.0) if isinstance(layer, Dropout) else layer for layer in layers)


def pair(net: str, optimizer: Optimizer) -> tuple[Network, Oracle]:
    """Build the same net twice, with the same weights."""
    layers = without_chance(NETS[net])
    ours = Network(layers, SHAPE)
    ours.set_weights(network(net, optimizer, BATCH).weights())
    ours.compile(optimizer, BATCH)
    oracle = Oracle(layers, SHAPE, optimizer)
    oracle.set_weights(ours.weights())
    return ours, oracle


def step(ours: Network, x: NDArray[np.float32], y: NDArray[np.int64], rate: float) -> float:
    """Make one step with all of x; returns the loss."""
    rates = np.full(1, rate, np.float32)
    return ours.train_epoch(x, y, np.arange(len(x)), learning_rates=rates, key=(0, 0)).loss


@pytest.mark.parametrize("net", NETS)
def test_forward_values_are_those_of_keras(net: str) -> None:
    """The same weights give the same probabilities."""
    ours, oracle = pair(net, SGD())
    np.testing.assert_allclose(
        softmax(ours.logits(images(30))), oracle.probabilities(images(30)), rtol=2e-5, atol=1e-6
    )


@pytest.mark.parametrize("net", NETS)
def test_gradients_are_those_of_keras(net: str) -> None:
    """One step of rate 1 moves every parameter, moving statistics included, as it does in Keras."""
    ours, oracle = pair(net, SGD(1.0))
    before = ours.weights()
    x, y = images(BATCH), labels(BATCH)
    assert step(ours, x, y, 1.0) == pytest.approx(oracle.step(x, y), rel=1e-5)
    after, theirs = ours.weights(), oracle.weights()
    assert after.keys() == theirs.keys()
    largest = max(np.abs(before[name] - theirs[name]).max() for name in after)
    for name, values in after.items():
        gradient, expected = before[name] - values, before[name] - theirs[name]
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=2e-5 * largest, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("net", NETS)
def test_ten_steps_are_those_of_keras(net: str, optimizer: str) -> None:
    """Ten steps of each optimizer end where Keras's end, within a hundredth of the way they went."""
    spec = OPTIMIZERS[optimizer]
    ours, oracle = pair(net, spec)
    before = ours.weights()
    for at in range(10):
        x, y = images(BATCH, at), labels(BATCH, at)
        assert step(ours, x, y, spec.learning_rate) == pytest.approx(oracle.step(x, y), rel=1e-4)
    after, theirs = ours.weights(), oracle.weights()
    for name in after.keys() - WITHOUT_GRADIENT.get(net, set()):
        way = np.linalg.norm(theirs[name] - before[name])
        assert np.linalg.norm(after[name] - theirs[name]) <= 0.01 * way + 1e-6, name
