"""bfloat16 operands: close to single precision, as reproducible in training, and in prediction only where asked for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine.layers import Dense, Flatten
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD, Adam
from optotype.engine.processor import Precision, available_isas
from optotype.errors import EngineError
from tests.contracts.nets import NETS, SHAPE, images, labels, network

BATCH = 43
# Where no rounding can turn a unit off or choose another pixel.
SMOOTH = {
    "Flatten",
    "Dense",
    "Dense columns",
    "BatchNormalization in columns",
    "Conv2D",
    "Conv2D same",
    "Dropout",
    "BatchNormalization",
}
needs_amx = pytest.mark.skipif("amx" not in available_isas(), reason="this processor has no AMX")


def gradient(net: str, precision: Precision) -> dict[str, NDArray[np.float32]]:
    """Read a gradient off a step of plain gradient descent with rate 1."""
    built = network(net, SGD(), BATCH, precision=precision)
    before = built.weights()
    rates = np.ones(1, np.float32)
    built.train_epoch(images(BATCH), labels(BATCH), np.arange(BATCH), learning_rates=rates, key=(1, 1))
    return {name: before[name] - after for name, after in built.weights().items() if "moving" not in name}


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_gradients_are_near_those_in_single_precision(net: str) -> None:
    """The whole gradient differs by the rounding of its operands, and by what relu and max pooling then choose."""
    single, half = gradient(net, "fp32"), gradient(net, "bf16")
    difference = np.concatenate([(single[name] - half[name]).ravel() for name in single])
    length = np.linalg.norm(np.concatenate([each.ravel() for each in single.values()]))
    assert 0 < np.linalg.norm(difference) < (0.01 if net in SMOOTH else 0.1) * length


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_threads_change_no_bit(net: str) -> None:
    """Training on 1, 2, 3 and 4 threads ends in the same bits, with batches of several sizes one after another."""
    ends = []
    for threads in (1, 2, 3, 4):
        built = network(net, Adam(), BATCH, threads=threads, precision="bf16")
        for n in (150, 31, 64):
            rates = np.full(4, 0.01, np.float32)
            built.train_epoch(images(101), labels(101), np.arange(n) % 101, learning_rates=rates, key=(2, n))
        ends.append(built.weights())
    for end in ends[1:]:
        for name, values in end.items():
            np.testing.assert_array_equal(values, ends[0][name], err_msg=name)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_a_smaller_batch_is_not_disturbed_by_a_larger_one(net: str) -> None:
    """A step on few images does the same whether or not a larger batch was there before it."""
    ends = []
    for before in (0, BATCH):
        built = network(net, SGD(), BATCH, precision="bf16")
        start = built.weights()
        for n in (before, 11):
            rates = np.full(1, 0.1, np.float32)
            built.train_epoch(images(101), labels(101), np.arange(n), learning_rates=rates, key=(0, 0))
            if n == before:
                built.set_weights(start)
        ends.append(built.weights())
    for name, values in ends[0].items():
        np.testing.assert_array_equal(values, ends[1][name], err_msg=name)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_prediction_stays_in_single_precision(net: str) -> None:
    """The same weights give the same logits, to the bit, whatever the precision of training."""
    single, half = network(net, SGD(), BATCH), network(net, SGD(), BATCH, precision="bf16")
    np.testing.assert_array_equal(single.logits(images(50)), half.logits(images(50)))


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_prediction_in_bf16_is_near_that_in_single_precision(net: str) -> None:
    """Asked for, logits are computed with bfloat16 operands: other than in single precision, by rounding alone."""
    built = network(net, SGD(), BATCH, precision="bf16")
    single, half = built.logits(images(70)), built.logits(images(70), precision="bf16")
    assert 0 < np.linalg.norm(single - half) < 0.01 * np.linalg.norm(single)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_prediction_in_bf16_depends_on_the_image_and_the_weights_alone(net: str) -> None:
    """Its bits are the same alone and among others, on any number of threads, in a network that also trains or not."""
    trained = network(net, SGD(), BATCH, precision="bf16", threads=3)
    only = Network(NETS[net], SHAPE, threads=1, precision="bf16")
    only.logits(images(1), precision="bf16")
    only.set_weights(trained.weights())
    together = trained.logits(images(70), precision="bf16")
    alone = [only.logits(images(70)[i : i + 1], precision="bf16") for i in range(70)]
    np.testing.assert_array_equal(np.concatenate(alone), together)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_prediction_in_bf16_leaves_training_as_it_was(net: str) -> None:
    """Epochs end in the same bits with and without predictions before and between them."""
    ends = []
    for asked in (False, True):
        built = Network(NETS[net], SHAPE, threads=2, precision="bf16")
        built.initialize(0)
        if asked:
            built.logits(images(40), precision="bf16")
        built.compile(Adam(), BATCH)
        for n in (BATCH, 31):
            rates = np.full(1, 0.01, np.float32)
            built.train_epoch(images(101), labels(101), np.arange(n), learning_rates=rates, key=(0, n))
            if asked:
                built.logits(images(40), precision="bf16")
        ends.append(built.weights())
    for name, values in ends[0].items():
        np.testing.assert_array_equal(values, ends[1][name], err_msg=name)


def test_prediction_in_bf16_is_refused_by_a_network_in_single_precision() -> None:
    """The message says in which precision the network computes, and on what."""
    with pytest.raises(EngineError, match="asked for in bf16, but this network computes in fp32 on portable"):
        Network((Flatten(), Dense(2, "softmax")), (2, 2, 1), isa="portable").logits(
            np.zeros((1, 2, 2, 1), np.uint8), precision="bf16"
        )


def test_bf16_without_amx_is_refused() -> None:
    """On an instruction set without tiles the message says what to use."""
    with pytest.raises(
        EngineError, match="bf16 was asked for on the instruction set 'portable', expected 'amx'"
    ):
        Network((Flatten(), Dense(2, "softmax")), (2, 2, 1), isa="portable", precision="bf16")
