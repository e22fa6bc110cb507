"""Every layer: gradients, same bits on any number of threads, agreement of the instruction sets."""

from typing import get_args

import numpy as np
import pytest

from optotype.engine.layers import Layer
from optotype.engine.optimizers import SGD
from optotype.engine.processor import available_isas
from tests.contracts.nets import NETS, OPTIMIZERS, images, labels, network, steps

BATCH = 43


def test_every_layer_is_in_a_test_network() -> None:
    """Every layer of the engine is in one of the networks."""
    kinds = {kind.__name__ for kind in get_args(get_args(Layer)[0])}
    assert kinds == {type(layer).__name__ for net in NETS.values() for layer in net}


@pytest.mark.parametrize("net", NETS)
def test_gradients_match_finite_differences(net: str) -> None:
    """Along random directions, the gradient of each parameter matches finite differences of the loss."""
    x, y, order = images(BATCH), labels(BATCH), np.arange(BATCH)
    built = network(net, SGD(), BATCH)
    start = built.weights()

    def step(rate: float) -> float:
        rates = np.full(1, rate, np.float32)
        return built.train_epoch(x, y, order, learning_rates=rates, key=(1, 1)).loss

    step(1.0)
    gradient = {name: start[name] - after for name, after in built.weights().items()}
    rng = np.random.default_rng(5)
    for name, values in start.items():
        if "moving" in name:
            continue
        direction = np.sign(gradient[name] + 1e-30) * rng.uniform(0.5, 1, values.shape)
        direction /= np.linalg.norm(direction)
        loss = []
        for sign in (1, -1):
            moved = values + sign * 4e-3 * direction
            built.set_weights(start | {name: moved})
            loss.append(step(0.0))
        slope = (loss[0] - loss[1]) / 8e-3
        # With logits in single precision, a loss has an error of about 2e-7, so the slope over 8e-3 about 5e-5.
        assert slope == pytest.approx(float((gradient[name] * direction).sum()), rel=0.02, abs=5e-5), name


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("net", NETS)
def test_number_of_threads_changes_no_bit(net: str, optimizer: str) -> None:
    """Training on 1, 2, 3 and 4 threads gives the same bits, with a smaller last batch."""
    results = []
    for threads in (1, 2, 3, 4):
        built = network(net, OPTIMIZERS[optimizer], BATCH, threads=threads)
        order = np.arange(150) % 101
        rates = np.full(4, 0.01, np.float32)
        built.train_epoch(images(101), labels(101), order, learning_rates=rates, key=(2, 3))
        results.append(built.weights() | {"logits": built.logits(images(101))})
    for result in results[1:]:
        for name, values in result.items():
            np.testing.assert_array_equal(values, results[0][name], err_msg=name)


@pytest.mark.parametrize("net", NETS)
def test_instruction_sets_agree_to_rounding(net: str) -> None:
    """The weights after five steps, and the logits, are equal up to rounding on every instruction set."""
    results = []
    for isa in available_isas():
        built = network(net, SGD(), BATCH, isa=isa)
        assert built.isa == ("avx512" if isa == "amx" else isa)
        steps(built, 5, BATCH, 0.1, n=101)
        results.append(built.weights() | {"logits": built.logits(images(101))})
    for result in results[1:]:
        for name, values in result.items():
            np.testing.assert_allclose(values, results[0][name], rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("net", NETS)
def test_logits_of_an_image_do_not_depend_on_other_images(net: str, isa: str) -> None:
    """The logits of an image have the same bits alone and in an array with others."""
    built = network(net, SGD(), BATCH, isa=isa)
    together = built.logits(images(70))
    single = np.concatenate([built.logits(images(70)[i : i + 1]) for i in range(70)])
    np.testing.assert_array_equal(single, together)
