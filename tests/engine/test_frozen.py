"""Networks whose first layers stand still: what moves, what does not, and that it is the same training."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine import frozen
from optotype.engine.augmentation import Augment
from optotype.engine.frozen import FrozenNetwork
from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.engine.network import EpochTotals, Network
from optotype.engine.optimizers import SGD, Adam

CONVOLUTIONS: tuple[Layer, ...] = (Conv2D(4, 3, "relu"), MaxPooling2D(2))
LAYERS: tuple[Layer, ...] = (
    *CONVOLUTIONS,
    BatchNormalization(),
    Dropout(0.3),
    Flatten(),
    Dense(8, "relu"),
    Dropout(0.3),
    Dense(3, "softmax"),
)
LAST_FROZEN = 6  # of LAYERS: the dense layer is the last that is frozen
SHAPE = (10, 9, 1)
BATCH = 8
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (50, *SHAPE)).astype(np.uint8)
LABELS = RNG.integers(0, 3, 50)
Weights = dict[str, NDArray[np.float32]]


def _network(count: int, layers: Sequence[Layer] = LAYERS, threads: int = 1) -> FrozenNetwork:
    network = FrozenNetwork(Network(layers, SHAPE, threads=threads), count)
    network.initialize(1)
    return network


def _train(network: FrozenNetwork | Network, augment: Augment | None = None, epochs: int = 2) -> EpochTotals:
    network.compile(Adam(), BATCH, augment)
    rates = np.full(7, 0.01, np.float32)
    for epoch in range(epochs):
        order = np.roll(np.arange(50), epoch)
        totals = network.train_epoch(IMAGES, LABELS, order, learning_rates=rates, key=(5, epoch))
    return totals


def _bits(weights: Weights) -> dict[str, bytes]:
    return {name: weight.tobytes() for name, weight in weights.items()}


@pytest.mark.parametrize("augment", [None, Augment(shift=1)])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_only_the_layers_after_the_frozen_ones_move(count: int, augment: Augment | None) -> None:
    """After two epochs the frozen layers, moving statistics included, have the bits they had; no other has."""
    network = _network(count)
    before = _bits(network.weights())
    totals = _train(network, augment)
    assert (totals.images, totals.steps, totals.finite) == (50, 7, True)
    for name, weight in _bits(network.weights()).items():
        assert (weight == before[name]) == (int(name[0]) < count), name


def test_a_step_is_that_of_the_whole_network() -> None:
    """Where nothing is dropped or normalised, one step moves the last layers as it moves them in the whole network."""
    layers = (*CONVOLUTIONS, Flatten(), Dense(8, "tanh"), Dense(3, "softmax"))
    whole = Network(layers, SHAPE, threads=1)
    whole.initialize(1)
    part = _network(2, layers)
    for network in (whole, part):
        network.compile(SGD(), 50)
        network.train_epoch(
            IMAGES, LABELS, np.arange(50), learning_rates=np.array([0.1], np.float32), key=(1, 1)
        )
    for name in ("3.kernel", "3.bias", "4.kernel", "4.bias"):
        np.testing.assert_allclose(part.weights()[name], whole.weights()[name], rtol=1e-4, atol=1e-6)


def test_it_predicts_with_what_it_learned() -> None:
    """Its logits are, to the bit, those of a Network that has its weights."""
    network = _network(LAST_FROZEN)
    _train(network)
    plain = Network(LAYERS, SHAPE)
    plain.set_weights(network.weights())
    assert network.logits(IMAGES).tobytes() == plain.logits(IMAGES).tobytes()


def test_threads_do_not_matter() -> None:
    """One thread and two train the same bits."""
    one, two = _network(3, threads=1), _network(3, threads=2)
    for network in (one, two):
        _train(network, Augment(shift=2, flip=True))
    assert _bits(one.weights()) == _bits(two.weights())


def test_it_does_not_matter_whether_features_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that are too large to be kept, and are computed anew in every epoch, train the same bits."""
    kept, anew = _network(3), _network(3)
    _train(kept)
    monkeypatch.setattr(frozen, "MAX_CACHED_BYTES", 0)
    _train(anew)
    assert _bits(kept.weights()) == _bits(anew.weights())


def test_an_epoch_in_pieces_is_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where features come a step at a time, each image is trained on once, in order, and told as done."""
    whole, pieces = _network(LAST_FROZEN, LAYERS), _network(LAST_FROZEN, LAYERS)
    losses = [_train(whole, epochs=1)]
    monkeypatch.setattr(frozen, "CHUNK_BYTES", 1)
    done: list[int] = []
    pieces.compile(Adam(), BATCH)
    rates = np.full(7, 0.01, np.float32)
    losses.append(
        pieces.train_epoch(
            IMAGES, LABELS, np.arange(50), learning_rates=rates, key=(5, 0), report=done.append
        )
    )
    assert [(totals.images, totals.steps) for totals in losses] == [(50, 7), (50, 7)]
    assert done == sorted(done)
    assert done[-1] == 50


def test_an_epoch_in_pieces_ends_where_the_loss_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that is no number ends the epoch at its step, whichever piece that is in."""
    monkeypatch.setattr(frozen, "CHUNK_BYTES", 1)
    network = _network(2, (*CONVOLUTIONS, Flatten(), Dense(3, "softmax")))
    network.compile(SGD(), BATCH)
    rates = np.array([0.1, 0.1, np.inf, 0.1, 0.1, 0.1, 0.1], np.float32)
    totals = network.train_epoch(IMAGES, LABELS, np.arange(50), learning_rates=rates, key=(5, 0))
    assert (totals.finite, totals.steps, totals.images) == (False, 3, 24)


@pytest.mark.parametrize(("count", "still"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 3), (6, 6), (7, 6)])
def test_dropout_after_the_last_weights_goes_on_dropping(count: int, still: int) -> None:
    """Of the frozen layers, those from the first Dropout after the last weights on belong to what is trained."""
    assert _network(count).count == still
