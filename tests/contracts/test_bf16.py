"""bfloat16 operands: close to single precision, reproducible, and used in prediction only on request."""

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
# Networks in which rounding cannot deactivate a unit or select another pixel.
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
    """Compute a gradient from one step of gradient descent with learning rate 1."""
    built = network(net, SGD(), BATCH, precision=precision)
    before = built.weights()
    rates = np.ones(1, np.float32)
    built.train_epoch(images(BATCH), labels(BATCH), np.arange(BATCH), learning_rates=rates, key=(1, 1))
    return {name: before[name] - after for name, after in built.weights().items() if "moving" not in name}


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_bf16_gradients_are_close_to_fp32(net: str) -> None:
    """The gradient differs by the rounding of its operands, and by different choices of relu and max pooling."""
    single, half = gradient(net, "fp32"), gradient(net, "bf16")
    difference = np.concatenate([(single[name] - half[name]).ravel() for name in single])
    length = np.linalg.norm(np.concatenate([values.ravel() for values in single.values()]))
    assert 0 < np.linalg.norm(difference) < (0.01 if net in SMOOTH else 0.1) * length


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_number_of_threads_changes_no_bit(net: str) -> None:
    """Training on 1, 2, 3 and 4 threads gives the same bits, with batches of several sizes."""
    results = []
    for threads in (1, 2, 3, 4):
        built = network(net, Adam(), BATCH, threads=threads, precision="bf16")
        for n in (150, 31, 64):
            rates = np.full(4, 0.01, np.float32)
            built.train_epoch(images(101), labels(101), np.arange(n) % 101, learning_rates=rates, key=(2, n))
        results.append(built.weights())
    for result in results[1:]:
        for name, values in result.items():
            np.testing.assert_array_equal(values, results[0][name], err_msg=name)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_larger_batch_does_not_affect_a_later_smaller_one(net: str) -> None:
    """A step on few images gives the same bits with and without a larger batch before it."""
    results = []
    for previous in (0, BATCH):
        built = network(net, SGD(), BATCH, precision="bf16")
        start = built.weights()
        for n in (previous, 11):
            rates = np.full(1, 0.1, np.float32)
            built.train_epoch(images(101), labels(101), np.arange(n), learning_rates=rates, key=(0, 0))
            if n == previous:
                built.set_weights(start)
        results.append(built.weights())
    for name, values in results[0].items():
        np.testing.assert_array_equal(values, results[1][name], err_msg=name)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_prediction_stays_in_single_precision(net: str) -> None:
    """The same weights give logits with the same bits for both precisions of training."""
    single, half = network(net, SGD(), BATCH), network(net, SGD(), BATCH, precision="bf16")
    np.testing.assert_array_equal(single.logits(images(50)), half.logits(images(50)))


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_bf16_prediction_is_close_to_fp32(net: str) -> None:
    """On request, logits are computed with bfloat16 operands; they differ from single precision by rounding."""
    built = network(net, SGD(), BATCH, precision="bf16")
    single, half = built.logits(images(70)), built.logits(images(70), precision="bf16")
    assert 0 < np.linalg.norm(single - half) < 0.01 * np.linalg.norm(single)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_bf16_prediction_depends_on_image_and_weights_only(net: str) -> None:
    """The bits do not depend on other images, on the number of threads, or on whether the network was compiled."""
    trained = network(net, SGD(), BATCH, precision="bf16", threads=3)
    only = Network(NETS[net], SHAPE, threads=1, precision="bf16")
    only.logits(images(1), precision="bf16")
    only.set_weights(trained.weights())
    together = trained.logits(images(70), precision="bf16")
    single = [only.logits(images(70)[i : i + 1], precision="bf16") for i in range(70)]
    np.testing.assert_array_equal(np.concatenate(single), together)


@needs_amx
@pytest.mark.parametrize("net", NETS)
def test_bf16_prediction_does_not_affect_training(net: str) -> None:
    """Epochs give the same bits with and without predictions before and between them."""
    results = []
    for with_predictions in (False, True):
        built = Network(NETS[net], SHAPE, threads=2, precision="bf16")
        built.initialize(0)
        if with_predictions:
            built.logits(images(40), precision="bf16")
        built.compile(Adam(), BATCH)
        for n in (BATCH, 31):
            rates = np.full(1, 0.01, np.float32)
            built.train_epoch(images(101), labels(101), np.arange(n), learning_rates=rates, key=(0, n))
            if with_predictions:
                built.logits(images(40), precision="bf16")
        results.append(built.weights())
    for name, values in results[0].items():
        np.testing.assert_array_equal(values, results[1][name], err_msg=name)


def test_fp32_network_rejects_bf16_prediction() -> None:
    """The message contains the requested precision, the precision of the network and its instruction set."""
    with pytest.raises(EngineError, match=r"bf16.*fp32 on portable"):
        Network((Flatten(), Dense(2, "softmax")), (2, 2, 1), isa="portable").logits(
            np.zeros((1, 2, 2, 1), np.uint8), precision="bf16"
        )


def test_bf16_without_amx_is_rejected() -> None:
    """The message contains the instruction set and the one that bf16 requires."""
    with pytest.raises(EngineError, match=r"bf16.*'portable', expected 'amx'"):
        Network((Flatten(), Dense(2, "softmax")), (2, 2, 1), isa="portable", precision="bf16")
