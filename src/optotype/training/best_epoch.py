"""Which epoch was the best so far, with its weights; and, from that, when an early stop is due.

The rule is that of Keras's EarlyStopping: an epoch improves only when it is strictly better than the best before it,
and training stops once `patience` epochs in a row did not improve, but never on an epoch that did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optotype.recipes.recipe import EarlyStopping, Recipe
from optotype.runs.epoch import Epoch

Monitor = Literal["loss", "val_loss", "val_accuracy"]
Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Best:
    """The best epoch so far.

    Attributes:
        epoch: Its record.
        weights: The network's weights after it, by name.
    """

    epoch: Epoch
    weights: Weights


def monitored(recipe: Recipe, *, validated: bool) -> Monitor:
    """Say what tells a better epoch: what early stopping watches, or validation loss, or training loss without one."""
    if recipe.early_stopping is not None:
        return recipe.early_stopping.monitor
    return "val_loss" if validated else "loss"


def improves(epoch: Epoch, best: Epoch | None, monitor: Monitor) -> bool:
    """Say whether an epoch is strictly better than the best before it (None before the first)."""
    if best is None:
        return True
    now, before = _value(epoch, monitor), _value(best, monitor)
    return now > before if monitor == "val_accuracy" else now < before


def is_over(epoch: Epoch, best: Epoch, stopping: EarlyStopping | None) -> bool:
    """Say whether training stops after this epoch, which may itself be the best."""
    if stopping is None:
        return False
    return epoch.epoch - best.epoch >= max(stopping.patience, 1)


def _value(epoch: Epoch, monitor: Monitor) -> float:
    value = {"loss": epoch.loss, "val_loss": epoch.val_loss, "val_accuracy": epoch.val_accuracy}[monitor]
    if value is None:
        raise ValueError(f"{monitor} was asked of epoch {epoch.epoch}, which has no validation images.")
    return value
