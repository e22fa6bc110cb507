"""Networks with frozen layers: which weights change, and that training is otherwise the same."""

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
from optotype.engine.trainable import Trainable

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
LAST_FROZEN = 6  # with this count, the dense layer is the last frozen one
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


def _train(network: Trainable, augment: Augment | None = None, epochs: int = 2) -> EpochTotals:
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
def test_frozen_layers_do_not_change(count: int, augment: Augment | None) -> None:
    """After two epochs the frozen layers, including moving statistics, have the same bits; all others differ."""
    network = _network(count)
    before = _bits(network.weights())
    totals = _train(network, augment)
    assert (totals.images, totals.steps, totals.finite) == (50, 7, True)
    for name, weight in _bits(network.weights()).items():
        assert (weight == before[name]) == (int(name[0]) < count), name


def test_step_equals_that_of_the_full_network() -> None:
    """Without dropout and normalization, one step changes the last layers as in the whole network."""
    layers = (*CONVOLUTIONS, Flatten(), Dense(8, "tanh"), Dense(3, "softmax"))
    full = Network(layers, SHAPE, threads=1)
    full.initialize(1)
    partly_frozen = _network(2, layers)
    for network in (full, partly_frozen):
        network.compile(SGD(), 50)
        network.train_epoch(
            IMAGES, LABELS, np.arange(50), learning_rates=np.array([0.1], np.float32), key=(1, 1)
        )
    for name in ("3.kernel", "3.bias", "4.kernel", "4.bias"):
        np.testing.assert_allclose(partly_frozen.weights()[name], full.weights()[name], rtol=1e-4, atol=1e-6)


def test_predictions_use_the_trained_weights() -> None:
    """The logits have the same bits as those of a Network with the same weights."""
    network = _network(LAST_FROZEN)
    _train(network)
    plain = Network(LAYERS, SHAPE)
    plain.set_weights(network.weights())
    assert network.logits(IMAGES).tobytes() == plain.logits(IMAGES).tobytes()


def test_number_of_threads_changes_no_bit() -> None:
    """Training on one thread and on two gives the same bits."""
    single, double = _network(3, threads=1), _network(3, threads=2)
    for network in (single, double):
        _train(network, Augment(shift=2, flip=True))
    assert _bits(single.weights()) == _bits(double.weights())


def test_caching_features_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that are too large for the cache, and are computed again in every epoch, give the same bits."""
    cached, uncached = _network(3), _network(3)
    _train(cached)
    monkeypatch.setattr(frozen, "MAX_CACHED_BYTES", 0)
    _train(uncached)
    assert _bits(cached.weights()) == _bits(uncached.weights())


def test_epoch_in_chunks_trains_on_every_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """If features are computed one step at a time, each image is trained on once, in order, and reported."""
    full, chunked = _network(LAST_FROZEN, LAYERS), _network(LAST_FROZEN, LAYERS)
    epochs = [_train(full, epochs=1)]
    monkeypatch.setattr(frozen, "CHUNK_BYTES", 1)
    done: list[int] = []
    chunked.compile(Adam(), BATCH)
    rates = np.full(7, 0.01, np.float32)
    epochs.append(
        chunked.train_epoch(
            IMAGES, LABELS, np.arange(50), learning_rates=rates, key=(5, 0), report=done.append
        )
    )
    assert [(totals.images, totals.steps) for totals in epochs] == [(50, 7), (50, 7)]
    assert done == sorted(done)
    assert done[-1] == 50


def test_epoch_in_chunks_stops_at_a_non_finite_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that is not finite ends the epoch at its step, in whichever chunk it is."""
    monkeypatch.setattr(frozen, "CHUNK_BYTES", 1)
    network = _network(2, (*CONVOLUTIONS, Flatten(), Dense(3, "softmax")))
    network.compile(SGD(), BATCH)
    rates = np.array([0.1, 0.1, np.inf, 0.1, 0.1, 0.1, 0.1], np.float32)
    totals = network.train_epoch(IMAGES, LABELS, np.arange(50), learning_rates=rates, key=(5, 0))
    assert (totals.finite, totals.steps, totals.images) == (False, 3, 24)


@pytest.mark.parametrize(("count", "frozen_count"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 3), (6, 6), (7, 6)])
def test_dropout_after_the_last_frozen_weights_stays_active(count: int, frozen_count: int) -> None:
    """Layers from the first Dropout after the last frozen weights on are not frozen."""
    assert _network(count).count == frozen_count
