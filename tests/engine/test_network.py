"""The public behaviour of Network: validation, reports, interruption, forks and the floating-point mode."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

from optotype.engine.layers import BatchNormalization, Dense, Dropout, Flatten, Layer
from optotype.engine.network import EpochTotals, Network
from optotype.engine.optimizers import SGD, Adam
from optotype.errors import EngineError

SHAPE = (4, 4, 1)
NET = (Flatten(), Dense(8, "relu"), Dense(3, "softmax"))
RATES = np.full(1000, 0.1, np.float32)
X = np.random.default_rng(0).integers(0, 256, (60, *SHAPE), np.uint8)
Y = np.arange(60) % 3


def make_network(
    layers: tuple[Layer, ...] = NET, batch_size: int = 8, threads: int = 2, scale: float = 1 / 255
) -> Network:
    """Build, initialize and compile a small network."""
    net = Network(layers, SHAPE, threads=threads, scale=scale)
    net.initialize(0)
    net.compile(SGD(), batch_size)
    return net


def train(net: Network, **changes: object) -> EpochTotals:
    """Train one epoch on the sixty images, with some arguments changed."""
    arguments = {"images": X, "labels": Y, "order": np.arange(60), "learning_rates": RATES, "key": (0, 0)}
    return net.train_epoch(**(arguments | changes))  # type: ignore[arg-type]  # wrong types on purpose


def test_network_overfits_a_small_data_set() -> None:
    """The training accuracy on sixty images reaches 1."""
    net = make_network()
    for epoch in range(600):
        totals = train(net, key=(0, epoch))
    assert totals.accuracy == 1.0
    assert totals.images == 60
    assert totals.steps == 8
    assert (net.logits(X).argmax(1) == Y).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.full(60, 3)}, "label"),
        ({"labels": np.full(60, -1)}, "label"),
        ({"labels": Y[:59]}, "labels and images"),
        ({"order": np.array([60])}, "order"),
        ({"order": np.array([-1])}, "order"),
        ({"learning_rates": RATES[:7]}, "learning rates"),
        ({"images": X.astype(np.float64)}, "float64"),
        ({"images": X[:, :3]}, "uint8 or float32"),
    ],
)
def test_invalid_arrays_are_rejected(changes: dict[str, object], message: str) -> None:
    """An array that would cause out-of-bounds access is rejected, and the weights do not change."""
    net = make_network()
    before = net.weights()
    with pytest.raises(EngineError, match=message):
        train(net, **changes)
    for name, values in net.weights().items():
        np.testing.assert_array_equal(values, before[name])


def test_training_before_compiling_is_rejected() -> None:
    """Training requires a previous call of compile."""
    net = Network(NET, SHAPE)
    with pytest.raises(EngineError, match="compile"):
        train(net)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "last layer is not Dense with softmax"),
        ((Flatten(),), "last layer is not Dense with softmax"),
        ((Flatten(), Dense(3, "relu")), "last layer is not Dense with softmax"),
        ((Flatten(), Dense(3, "softmax"), Dense(3, "softmax")), "Layer 1 .*softmax"),
        ((Dense(3, "softmax"),), "Put Flatten before it"),
        ((Flatten(), Dense(1_000_000), Dense(3, "softmax")), None),
    ],
)
def test_incompatible_layers_are_rejected(layers: tuple[Layer, ...], message: str | None) -> None:
    """A list of layers that is not a classifier is rejected; a large classifier is accepted."""
    if message is None:
        assert Network(layers, SHAPE).classes == 3
    else:
        with pytest.raises(EngineError, match=message):
            Network(layers, SHAPE)


@pytest.mark.parametrize("names", [{"0.kernel"}, {"1.kernel", "1.bias", "2.kernel", "2.bias", "3.bias"}])
def test_weights_with_other_names_are_rejected(names: set[str]) -> None:
    """Weights of a network with other layers are rejected."""
    with pytest.raises(EngineError, match="expected exactly"):
        make_network().set_weights({name: np.zeros(3) for name in names})


def test_weights_with_another_shape_are_rejected() -> None:
    """A transposed kernel is rejected with both shapes in the message, and no weight changes."""
    net = make_network()
    before = net.weights()
    with pytest.raises(EngineError, match=r"shape \(8, 16\), expected \(16, 8\)"):
        net.set_weights(before | {"2.bias": np.ones(3), "1.kernel": before["1.kernel"].T})
    np.testing.assert_array_equal(net.weights()["2.bias"], before["2.bias"])


def test_bytes_and_floats_are_the_same_images() -> None:
    """uint8 images and the same images as float32 in 0..1 give the same logits, scaled or raw."""
    for scale in (1 / 255, 1.0):
        net = make_network(scale=scale)
        np.testing.assert_allclose(
            net.logits(X), net.logits((X / 255).astype(np.float32)), rtol=1e-4, atol=1e-5
        )


def test_non_finite_loss_stops_before_the_update() -> None:
    """The epoch results at the step whose loss is not finite; its update does not happen."""
    net = make_network()
    rates = RATES.copy()
    rates[2] = np.inf
    totals = train(net, learning_rates=rates)
    assert not totals.finite
    assert totals.steps == 3
    assert totals.images == 24


def test_progress_is_reported() -> None:
    """The callback receives increasing, correct numbers of images."""
    reported: list[int] = []
    net = make_network((Flatten(), Dense(600, "tanh"), Dense(600, "tanh"), Dense(3, "softmax")), threads=1)
    train(net, order=np.arange(8000) % 60, report=reported.append)
    assert reported == sorted(reported)
    assert all(0 < images <= 8000 and images % 8 == 0 for images in reported)
    assert reported


def stop_after(calls: int, action: Callable[[], None]) -> Callable[[int], None]:
    """Return a callback that runs an action at its n-th call."""
    remaining = [calls]

    def report(_: int) -> None:
        remaining[0] -= 1
        if remaining[0] == 0:
            action()

    return report


def test_ctrl_c_stops_between_two_steps() -> None:
    """SIGINT raises KeyboardInterrupt from a long epoch, and the network can continue training."""
    net = make_network((Flatten(), Dense(600, "tanh"), Dense(600, "tanh"), Dense(3, "softmax")))
    endless = np.arange(10_000_000) % 60
    rates = np.full(len(endless), 0.01, np.float32)
    with pytest.raises(KeyboardInterrupt):
        train(
            net,
            order=endless,
            learning_rates=rates,
            report=stop_after(2, lambda: signal.raise_signal(signal.SIGINT)),
        )
    assert train(net).finite


def test_exception_in_the_callback_is_raised() -> None:
    """An exception in the callback stops the epoch and is raised to the caller."""

    def fail() -> None:
        raise RuntimeError("enough")

    net = make_network((Flatten(), Dense(600, "tanh"), Dense(600, "tanh"), Dense(3, "softmax")))
    endless = np.arange(10_000_000) % 60
    with pytest.raises(RuntimeError, match="enough"):
        train(
            net,
            order=endless,
            learning_rates=np.full(len(endless), 0.01, np.float32),
            report=stop_after(1, fail),
        )


def _train_and_exit(net: Network) -> None:
    os._exit(0 if train(net).finite else 1)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_process_can_train() -> None:
    """A network with threads that was used before a fork works in the child and in the parent."""
    net = make_network(threads=3)
    train(net)
    child = multiprocessing.get_context("fork").Process(target=_train_and_exit, args=(net,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert train(net).finite


def test_threads_can_share_a_network() -> None:
    """Simultaneous calls from several Python threads run one after another."""
    net = make_network()
    callers = [threading.Thread(target=lambda: [net.logits(X) for _ in range(50)]) for _ in range(2)]
    for caller in callers:
        caller.start()
    train(net)
    for caller in callers:
        caller.join()
    assert np.isfinite(net.logits(X)).all()


def test_floating_point_mode_is_restored() -> None:
    """The engine flushes denormal numbers to zero; afterwards they exist again for the caller."""
    net = make_network(threads=1)
    train(net)
    net.logits(X)
    assert np.float32(1e-40) * np.float32(1.0) != 0.0


def test_dropout_keeps_the_expected_fraction() -> None:
    """Rates 0.1, 0.5 and 0.9 drop that fraction and scale up the rest, with a new mask in each step."""
    x = np.ones((4000, 4, 4, 1), np.float32)
    for rate in (0.1, 0.5, 0.9):
        net = Network((Flatten(), Dropout(rate), Dense(2, "softmax")), SHAPE)
        kernel = np.zeros((16, 2), np.float32)
        kernel[:, 0] = 1.0
        net.set_weights({"2.kernel": kernel, "2.bias": np.zeros(2)})
        net.compile(SGD(), 4000)
        losses = []
        for step in range(2):
            # For label 1 the loss is log(1 + e^s), where s is the sum of the kept inputs, each 1 / (1 - rate). For such
            # sums it equals s up to a few thousandths.
            rates = np.zeros(1, np.float32)
            y = np.ones(4000, np.int64)
            losses.append(net.train_epoch(x, y, np.arange(4000), learning_rates=rates, key=(0, step)).loss)
        expected = np.log1p(np.exp(_kept_sums(rate))).mean()
        assert losses == pytest.approx([expected] * 2, rel=0.02)
        assert losses[0] != losses[1]


def _kept_sums(rate: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.binomial(16, 1 - rate, 100_000) / (1 - rate)


def test_moving_statistics_are_those_of_the_batches() -> None:
    """After many steps the moving mean and variance equal those of the data, and prediction uses them."""
    net = make_network((Flatten(), BatchNormalization(momentum=0.5), Dense(3, "softmax")), batch_size=60)
    for epoch in range(40):
        train(net, key=(0, epoch))
    flat = (X / 255).reshape(60, 16)
    weights = net.weights()
    np.testing.assert_allclose(weights["1.moving_mean"], flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(weights["1.moving_variance"], flat.var(0), rtol=1e-4)
    normal = (flat - weights["1.moving_mean"]) / np.sqrt(weights["1.moving_variance"] + 1e-3)
    expected = (normal * weights["1.gamma"] + weights["1.beta"]) @ weights["2.kernel"] + weights["2.bias"]
    np.testing.assert_allclose(net.logits(X), expected, rtol=1e-4, atol=1e-4)


def test_compiling_again_resets_the_optimizer() -> None:
    """Two trainings from the same weights give the same bits: the moments of Adam are reset."""
    net = make_network()
    results = []
    for _ in range(2):
        net.initialize(3)
        net.compile(Adam(), 8)
        train(net)
        results.append(net.weights()["1.kernel"])
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_size_below_one_is_rejected(batch_size: int) -> None:
    """The batch size must be at least 1."""
    with pytest.raises(EngineError, match="batch size"):
        make_network(batch_size=batch_size)


def test_empty_batch_gives_empty_logits() -> None:
    """An empty array of images gives an empty array of logits."""
    assert make_network().logits(X[:0]).shape == (0, 3)


def test_process_exit_prints_nothing() -> None:
    """A network that a thread still references at process exit causes no output on standard error."""
    program = (
        "import threading, time\n"
        "from optotype.engine.layers import Dense, Flatten\n"
        "from optotype.engine.network import Network\n"
        "network = Network((Flatten(), Dense(3, 'softmax')), (4, 4, 1), threads=1)\n"
        "threading.Thread(target=lambda held: time.sleep(60), args=(network,), daemon=True).start()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
