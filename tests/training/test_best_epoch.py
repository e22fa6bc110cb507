"""The rule of early stopping, compared with Keras's own."""

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.recipes.recipe import EarlyStopping
from optotype.runs.epoch import Epoch
from optotype.training.best_epoch import is_improvement, should_stop
from optotype.training.plan import plan_training
from tests.training.samples import dataset, recipe

Monitor = Literal["val_loss", "val_accuracy"]


def _epoch(number: int, value: float) -> Epoch:
    return Epoch(number, value, value, value, value, 0.1, 1.0, 10)


def _ours(values: list[float], monitor: Monitor, patience: int) -> tuple[int, int]:
    """Return the epoch after which training stops (or the last) and the best epoch."""
    early_stopping = EarlyStopping(monitor, patience)
    best: Epoch | None = None
    for number, value in enumerate(values, 1):
        epoch = _epoch(number, value)
        best = epoch if best is None or is_improvement(epoch, best, monitor) else best
        if should_stop(epoch, best, early_stopping):
            break
    assert best is not None
    return number, best.epoch


class _KerasModel:
    """The part of a model that Keras's callback uses."""

    stop_training = False

    def get_weights(self) -> list[Any]:
        return []


def _keras(values: list[float], monitor: Monitor, patience: int) -> tuple[int, int]:
    from keras.callbacks import EarlyStopping as Oracle

    mode = "max" if monitor == "val_accuracy" else "min"
    oracle = Oracle(monitor=monitor, patience=patience, mode=mode, restore_best_weights=True)
    model = _KerasModel()
    oracle.set_model(model)
    oracle.on_train_begin()
    for number, value in enumerate(values, 1):
        oracle.on_epoch_end(number - 1, {monitor: value})
        if model.stop_training:
            break
    return number, oracle.best_epoch + 1


@given(
    values=st.lists(st.sampled_from(np.linspace(0, 1, 6).tolist()), min_size=1, max_size=20),
    monitor=st.sampled_from(["val_loss", "val_accuracy"]),
    patience=st.integers(0, 4),
)
def test_early_stopping_is_that_of_keras(values: list[float], monitor: Monitor, patience: int) -> None:
    """It stops after the same epoch and finds the same best epoch as Keras's callback, for any history."""
    assert _ours(values, monitor, patience) == _keras(values, monitor, patience)


def test_without_early_stopping_training_never_stops_early() -> None:
    """A recipe without early stopping continues however bad the loss gets."""
    assert not should_stop(_epoch(100, 9.0), _epoch(1, 0.1), None)


def test_the_monitor_depends_on_the_recipe_and_the_split() -> None:
    """It is early stopping's monitor; otherwise the validation loss, or the training loss without validation."""
    early_stopping = EarlyStopping("val_accuracy")
    assert plan_training(dataset(), recipe(early_stopping=early_stopping)).monitor == "val_accuracy"
    assert plan_training(dataset(), recipe()).monitor == "val_loss"
    assert plan_training(dataset(), recipe(validation=0)).monitor == "loss"


def test_a_value_that_was_not_measured_cannot_be_compared() -> None:
    """Comparing the validation loss of an epoch without validation is an error of the caller."""
    epoch = Epoch(1, 0.5, 0.5, None, None, 0.1, 1.0, 10)
    with pytest.raises(ValueError, match="val_loss"):
        is_improvement(epoch, epoch, "val_loss")
