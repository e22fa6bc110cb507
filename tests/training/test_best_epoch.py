"""The rule of early stopping, against Keras's own."""

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.recipes.recipe import EarlyStopping
from optotype.runs.epoch import Epoch
from optotype.training.best_epoch import improves, is_over, monitored
from tests.training.samples import recipe

Watched = Literal["val_loss", "val_accuracy"]


def _epoch(number: int, value: float) -> Epoch:
    return Epoch(number, value, value, value, value, 0.1, 1.0, 10)


def _ours(values: list[float], watched: Watched, patience: int) -> tuple[int, int]:
    """Say after which epoch training stops (or the last), and which is the best."""
    stopping = EarlyStopping(watched, patience)
    best: Epoch | None = None
    for number, value in enumerate(values, 1):
        epoch = _epoch(number, value)
        best = epoch if best is None or improves(epoch, best, watched) else best
        if is_over(epoch, best, stopping):
            break
    assert best is not None
    return number, best.epoch


class _Stopped:
    """What Keras's callback needs of a model."""

    stop_training = False

    def get_weights(self) -> list[Any]:
        return []


def _keras(values: list[float], watched: Watched, patience: int) -> tuple[int, int]:
    from keras.callbacks import EarlyStopping as Oracle

    mode = "max" if watched == "val_accuracy" else "min"
    oracle = Oracle(monitor=watched, patience=patience, mode=mode, restore_best_weights=True)
    model = _Stopped()
    oracle.set_model(model)
    oracle.on_train_begin()
    for number, value in enumerate(values, 1):
        oracle.on_epoch_end(number - 1, {watched: value})
        if model.stop_training:
            break
    return number, oracle.best_epoch + 1


@given(
    values=st.lists(st.sampled_from(np.linspace(0, 1, 6).tolist()), min_size=1, max_size=20),
    watched=st.sampled_from(["val_loss", "val_accuracy"]),
    patience=st.integers(0, 4),
)
def test_early_stopping_is_that_of_keras(values: list[float], watched: Watched, patience: int) -> None:
    """It stops after the same epoch and finds the same best one as Keras's callback, for any history."""
    assert _ours(values, watched, patience) == _keras(values, watched, patience)


def test_without_early_stopping_training_is_never_over() -> None:
    """A recipe without early stopping goes on however bad it gets."""
    assert not is_over(_epoch(100, 9.0), _epoch(1, 0.1), None)


def test_the_best_epoch_is_told_by_what_there_is() -> None:
    """Early stopping's monitor decides; else validation loss; else training loss."""
    stopping = EarlyStopping("val_accuracy")
    assert monitored(recipe(early_stopping=stopping), validated=True) == "val_accuracy"
    assert monitored(recipe(), validated=True) == "val_loss"
    assert monitored(recipe(validation=0), validated=False) == "loss"


def test_a_number_that_was_not_measured_is_not_compared() -> None:
    """Asking an epoch without validation for its validation loss is a mistake of the caller."""
    blind = Epoch(1, 0.5, 0.5, None, None, 0.1, 1.0, 10)
    with pytest.raises(ValueError, match="no validation"):
        improves(blind, blind, "val_loss")
