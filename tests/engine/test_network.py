"""The network as its callers meet it: what it refuses, how it reports, stops, forks and leaves the machine."""

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


def made(
    layers: tuple[Layer, ...] = NET, batch_size: int = 8, threads: int = 2, scale: float = 1 / 255
) -> Network:
    """Build, initialise and compile a small network."""
    net = Network(layers, SHAPE, threads=threads, scale=scale)
    net.initialize(0)
    net.compile(SGD(), batch_size)
    return net


def trained(net: Network, **changes: object) -> EpochTotals:
    """Train an epoch over the sixty images, with some arguments changed."""
    arguments = {"images": X, "labels": Y, "order": np.arange(60), "learning_rates": RATES, "key": (0, 0)}
    return net.train_epoch(**(arguments | changes))  # type: ignore[arg-type]  # wrong types are the point


def test_a_net_learns_what_can_be_learnt() -> None:
    """Sixty images are learnt by heart."""
    net = made()
    for epoch in range(600):
        totals = trained(net, key=(0, epoch))
    assert totals.accuracy == 1.0
    assert totals.images == 60
    assert totals.steps == 8
    assert (net.logits(X).argmax(1) == Y).all()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": np.full(60, 3)}, "a label is not one of the network's classes"),
        ({"labels": np.full(60, -1)}, "a label is not one of the network's classes"),
        ({"labels": Y[:59]}, "labels and images differ in number"),
        ({"order": np.array([60])}, "the order names an image that does not exist"),
        ({"order": np.array([-1])}, "the order names an image that does not exist"),
        ({"learning_rates": RATES[:7]}, "fewer learning rates than steps"),
        ({"images": X.astype(np.float64)}, "Images of type float64"),
        ({"images": X[:, :3]}, "expected uint8 or float32 of shape"),
    ],
)
def test_wrong_arrays_are_refused(changes: dict[str, object], sentence: str) -> None:
    """An array that would lead out of memory is refused, and the weights are left alone."""
    net = made()
    before = net.weights()
    with pytest.raises(EngineError, match=sentence):
        trained(net, **changes)
    for name, values in net.weights().items():
        np.testing.assert_array_equal(values, before[name])


def test_training_before_compiling_is_refused() -> None:
    """Without an optimizer there is no training."""
    net = Network(NET, SHAPE)
    with pytest.raises(EngineError, match="compile the network before training it"):
        trained(net)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ((), "last layer is not Dense with softmax"),
        ((Flatten(),), "last layer is not Dense with softmax"),
        ((Flatten(), Dense(3, "relu")), "last layer is not Dense with softmax"),
        ((Flatten(), Dense(3, "softmax"), Dense(3, "softmax")), "Layer 1: softmax was given"),
        ((Dense(3, "softmax"),), "Put Flatten before it"),
        ((Flatten(), Dense(1_000_000), Dense(3, "softmax")), None),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: tuple[Layer, ...], sentence: str | None) -> None:
    """A list of layers that makes no classifier is refused with what to do; a large one is not."""
    if sentence is None:
        assert Network(layers, SHAPE).classes == 3
    else:
        with pytest.raises(EngineError, match=sentence):
            Network(layers, SHAPE)


@pytest.mark.parametrize("names", [{"0.kernel"}, {"1.kernel", "1.bias", "2.kernel", "2.bias", "3.bias"}])
def test_weights_of_other_names_are_refused(names: set[str]) -> None:
    """Weights of another network are refused."""
    with pytest.raises(EngineError, match="expected exactly"):
        made().set_weights({name: np.zeros(3) for name in names})


def test_weights_of_another_shape_are_refused() -> None:
    """A transposed kernel is refused with both shapes, and nothing is set."""
    net = made()
    before = net.weights()
    with pytest.raises(EngineError, match=r"shape \(8, 16\), expected \(16, 8\)"):
        net.set_weights(before | {"2.bias": np.ones(3), "1.kernel": before["1.kernel"].T})
    np.testing.assert_array_equal(net.weights()["2.bias"], before["2.bias"])


def test_bytes_and_floats_are_the_same_images() -> None:
    """uint8 images and the same as float32 in 0..1 give the same logits, scaled or raw."""
    for scale in (1 / 255, 1.0):
        net = made(scale=scale)
        np.testing.assert_allclose(
            net.logits(X), net.logits((X / 255).astype(np.float32)), rtol=1e-4, atol=1e-5
        )


def test_a_loss_that_is_no_number_stops_before_its_step() -> None:
    """The epoch ends at the step whose loss is not finite, and the weights stay as the step before left them."""
    net = made()
    rates = RATES.copy()
    rates[2] = np.inf
    totals = trained(net, learning_rates=rates)
    assert not totals.finite
    assert totals.steps == 3
    assert totals.images == 24


def test_progress_is_reported() -> None:
    """The report hears growing numbers of images, all of them true."""
    heard: list[int] = []
    net = made((Flatten(), Dense(600, "tanh"), Dense(600, "tanh"), Dense(3, "softmax")), threads=1)
    trained(net, order=np.arange(8000) % 60, report=heard.append)
    assert heard == sorted(heard)
    assert all(0 < images <= 8000 and images % 8 == 0 for images in heard)
    assert heard


def stop_after(calls: int, action: Callable[[], None]) -> Callable[[int], None]:
    """Give a report that acts at its n-th call."""
    left = [calls]

    def report(_: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            action()

    return report


def test_ctrl_c_stops_between_two_steps() -> None:
    """SIGINT raises KeyboardInterrupt out of a long epoch, and the network can train on."""
    net = made((Flatten(), Dense(600, "tanh"), Dense(600, "tanh"), Dense(3, "softmax")))
    endless = np.arange(10_000_000) % 60
    rates = np.full(len(endless), 0.01, np.float32)
    with pytest.raises(KeyboardInterrupt):
        trained(
            net,
            order=endless,
            learning_rates=rates,
            report=stop_after(2, lambda: signal.raise_signal(signal.SIGINT)),
        )
    assert trained(net).finite


def test_an_exception_of_the_report_comes_out() -> None:
    """What the report raises stops the epoch and reaches the caller."""

    def fail() -> None:
        raise RuntimeError("enough")

    net = made((Flatten(), Dense(600, "tanh"), Dense(600, "tanh"), Dense(3, "softmax")))
    endless = np.arange(10_000_000) % 60
    with pytest.raises(RuntimeError, match="enough"):
        trained(
            net,
            order=endless,
            learning_rates=np.full(len(endless), 0.01, np.float32),
            report=stop_after(1, fail),
        )


def _train_and_exit(net: Network) -> None:
    os._exit(0 if trained(net).finite else 1)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_trains_on() -> None:
    """A network with threads, forked after use, works in the child and still in the parent."""
    net = made(threads=3)
    trained(net)
    child = multiprocessing.get_context("fork").Process(target=_train_and_exit, args=(net,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert trained(net).finite


def test_two_threads_may_share_a_network() -> None:
    """Calls from two Python threads at once take turns."""
    net = made()
    callers = [threading.Thread(target=lambda: [net.logits(X) for _ in range(50)]) for _ in range(2)]
    for caller in callers:
        caller.start()
    trained(net)
    for caller in callers:
        caller.join()
    assert np.isfinite(net.logits(X)).all()


def test_the_floating_point_mode_is_restored() -> None:
    """Denormal numbers, flushed to zero inside, exist again for the caller afterwards."""
    net = made(threads=1)
    trained(net)
    net.logits(X)
    assert np.float32(1e-40) * np.float32(1.0) != 0.0


def test_dropout_keeps_the_share_it_should() -> None:
    """A tenth, half and nine tenths are dropped, what is left is scaled up, and each step draws anew."""
    x = np.ones((4000, 4, 4, 1), np.float32)
    for rate in (0.1, 0.5, 0.9):
        net = Network((Flatten(), Dropout(rate), Dense(2, "softmax")), SHAPE)
        kernel = np.zeros((16, 2), np.float32)
        kernel[:, 0] = 1.0
        net.set_weights({"2.kernel": kernel, "2.bias": np.zeros(2)})
        net.compile(SGD(), 4000)
        losses = []
        for step in range(2):
            # For label 1 the loss is log(1 + e^s) with s the sum of the kept inputs, each 1 / (1 - rate): for such
            # sums it is s itself, to a few thousandths.
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
    """After many steps the moving mean and variance are those of the data, and prediction uses them."""
    net = made((Flatten(), BatchNormalization(momentum=0.5), Dense(3, "softmax")), batch_size=60)
    for epoch in range(40):
        trained(net, key=(0, epoch))
    flat = (X / 255).reshape(60, 16)
    weights = net.weights()
    np.testing.assert_allclose(weights["1.moving_mean"], flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(weights["1.moving_variance"], flat.var(0), rtol=1e-4)
    normal = (flat - weights["1.moving_mean"]) / np.sqrt(weights["1.moving_variance"] + 1e-3)
    expected = (normal * weights["1.gamma"] + weights["1.beta"]) @ weights["2.kernel"] + weights["2.bias"]
    np.testing.assert_allclose(net.logits(X), expected, rtol=1e-4, atol=1e-4)


def test_compiling_again_forgets_the_optimizer() -> None:
    """Two trainings from the same weights are the same, whatever Adam remembered of the first."""
    net = made()
    ends = []
    for _ in range(2):
        net.initialize(3)
        net.compile(Adam(), 8)
        trained(net)
        ends.append(net.weights()["1.kernel"])
    np.testing.assert_array_equal(ends[0], ends[1])


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_without_images_is_refused(batch_size: int) -> None:
    """A batch has at least one image."""
    with pytest.raises(EngineError, match="batch size"):
        made(batch_size=batch_size)


def test_no_images_give_no_logits() -> None:
    """An empty array is answered with an empty array."""
    assert made().logits(X[:0]).shape == (0, 3)


def test_a_process_that_ends_says_nothing() -> None:
    """A network that a thread still holds when the process ends is not worth a word on its standard error."""
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
