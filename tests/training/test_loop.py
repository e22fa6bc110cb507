"""The training loop: the network's inputs, the records of the epochs, and errors after divergence."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine.network import EpochTotals
from optotype.engine.optimizers import SGD
from optotype.engine.schedules import OneCycle, learning_rates
from optotype.engine.trainable import Trainable
from optotype.errors import DivergedError
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch
from optotype.training.loop import Progress, epochs
from optotype.training.plan import plan_training
from tests.training.samples import dataset, recipe


@dataclass
class Recorder:
    """A stand-in for a network that records its arguments."""

    orders: list[NDArray[np.int64]] = field(default_factory=list)
    rates: list[NDArray[np.float32]] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)
    diverges_at: tuple[int, int] | None = None
    logit: float = 0.0
    weight: float = 0.0

    def compile(self, *_: object) -> None:
        """Do nothing."""

    def initialize(self, _seed: int) -> None:
        """Do nothing."""

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return one weight."""
        return {"0.kernel": np.full(1, self.weight, np.float32)}

    def train_epoch(
        self, _images: object, _labels: object, order: NDArray[np.int64], **settings: Any
    ) -> EpochTotals:
        """Record the order, learning rates and key."""
        self.orders.append(order)
        self.rates.append(settings["learning_rates"])
        self.keys.append(settings["key"])
        settings["report"](len(order) // 2)
        steps = len(settings["learning_rates"])
        if self.diverges_at is not None and self.diverges_at[0] == len(self.orders):
            return EpochTotals(1.0, 0.5, 32, self.diverges_at[1] - 1, finite=False)
        return EpochTotals(0.5, 0.75, len(order), steps, finite=True)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the same logit for every class."""
        return np.full((len(images), 10), self.logit, np.float32)


def _run(recorder: Recorder, small: Recipe, reports: list[Progress] | None = None) -> list[Epoch]:
    report = None if reports is None else reports.append
    return list(epochs(plan_training(dataset(), small), cast("Trainable", recorder), report))


def test_each_epoch_uses_every_training_image_once_in_its_own_order() -> None:
    """An epoch's order is a permutation of the training images, and differs by epoch and by seed."""
    first, other = Recorder(), Recorder()
    _run(first, recipe(epochs=3))
    _run(other, recipe(epochs=3, seed=1))
    train = plan_training(dataset(), recipe()).split.train
    assert all(np.array_equal(np.sort(order), train) for order in first.orders + other.orders)
    assert len({order.tobytes() for order in first.orders + other.orders}) == 6
    assert first.keys == [(0, 1), (0, 2), (0, 3)]


def test_the_order_depends_only_on_seed_and_epoch() -> None:
    """The second epoch of a short training is the second epoch of a long one."""
    short, long = Recorder(), Recorder()
    _run(short, recipe(epochs=2))
    _run(long, recipe(epochs=5))
    assert np.array_equal(short.orders[1], long.orders[1])


def test_the_schedule_covers_the_whole_training() -> None:
    """The learning rates of all epochs together are those of the schedule."""
    recorder = Recorder()
    small = recipe(epochs=4).override({"schedule.type": "one_cycle"})
    records = _run(recorder, small)
    steps = 5  # of 150 training images in batches of 32
    expected = learning_rates(OneCycle(), 0.001, 4 * steps)
    assert np.array_equal(np.concatenate(recorder.rates), expected)
    assert [record.learning_rate for record in records] == expected[steps - 1 :: steps].tolist()


def test_a_batch_larger_than_the_training_set_is_one_step() -> None:
    """With a batch size above the number of images, an epoch is a single step."""
    recorder = Recorder()
    _run(recorder, recipe(epochs=2).override({"batch_size": 5000}))
    assert [len(rates) for rates in recorder.rates] == [1, 1]


def test_validation_is_measured_after_each_epoch() -> None:
    """With equal logits the validation loss is log 10, and the accuracy is that of always predicting class 0."""
    records = _run(Recorder(), recipe(epochs=2))
    assert [record.epoch for record in records] == [1, 2]
    assert all(record.val_loss == pytest.approx(np.log(10)) for record in records)
    assert all(record.val_accuracy == pytest.approx(0.1) for record in records)
    assert all(record.seconds > 0 and record.images == 150 for record in records)


def test_without_validation_images_there_are_no_validation_values() -> None:
    """With validation = 0, val_loss and val_accuracy are None."""
    (record,) = _run(Recorder(), recipe(epochs=1, validation=0))
    assert record.val_loss is None
    assert record.val_accuracy is None
    assert record.images == 200


def test_progress_is_reported_within_and_after_each_epoch() -> None:
    """A report has the epoch and the number of images; the last report of an epoch also has its record."""
    reports: list[Progress] = []
    records = _run(Recorder(), recipe(epochs=2), reports)
    assert [(each.epoch, each.images_done) for each in reports] == [(1, 75), (1, 150), (2, 75), (2, 150)]
    assert [each.result for each in reports] == [None, records[0], None, records[1]]
    assert all(each.epochs == 2 and each.images_total == 150 for each in reports)


def test_a_loss_that_is_not_finite_names_epoch_and_step() -> None:
    """The message names the epoch, the step, the learning rate and a lower one to try."""
    small = recipe(epochs=3, optimizer=SGD(0.5))
    with pytest.raises(DivergedError, match=r"epoch 2 at step 4 of 5: the training loss .* 0\.5\D.*=0\.01\."):
        _run(Recorder(diverges_at=(2, 4)), small)


def test_a_validation_loss_that_is_not_finite_stops_training() -> None:
    """A validation loss of NaN is a divergence, even if all training losses are finite."""
    with pytest.raises(DivergedError, match="epoch 1 after step 5 of 5: the validation loss"):
        _run(Recorder(logit=np.nan), recipe())


def test_a_last_step_that_makes_weights_infinite_is_detected() -> None:
    """A loss is measured before its step, so the weights are checked after the last step, also without validation."""
    with pytest.raises(DivergedError, match="epoch 1 at step 7 of 7: a weight"):
        _run(Recorder(weight=np.inf), recipe(validation=0))
