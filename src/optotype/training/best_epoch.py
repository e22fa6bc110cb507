"""The best epoch so far with its weights, and the rule of early stopping.

The rule is that of Keras's EarlyStopping: an epoch is an improvement only if it is strictly better than the best epoch
before it. Training stops after `patience` consecutive epochs without improvement, but never after an improvement.
"""

from dataclasses import dataclass

from optotype.recipes.recipe import EarlyStopping
from optotype.runs.epoch import Epoch
from optotype.training.plan import Monitor, Weights


@dataclass(frozen=True, eq=False)
class BestEpoch:
    """The best epoch so far.

    Attributes:
        epoch: The record of the epoch.
        weights: The network's weights after it, by name.
    """

    epoch: Epoch
    weights: Weights


def is_improvement(epoch: Epoch, best: Epoch | None, monitor: Monitor) -> bool:
    """Return whether an epoch is strictly better than the best epoch before it (None before the first epoch).

    Raises:
        ValueError: If the monitored quantity was not measured in one of the epochs.
    """
    if best is None:
        return True
    current, previous = _monitored_value(epoch, monitor), _monitored_value(best, monitor)
    return current > previous if monitor == "val_accuracy" else current < previous


def should_stop(epoch: Epoch, best: Epoch, early_stopping: EarlyStopping | None) -> bool:
    """Return whether training stops after this epoch, which may itself be the best."""
    if early_stopping is None:
        return False
    return epoch.epoch - best.epoch >= max(early_stopping.patience, 1)


def _monitored_value(epoch: Epoch, monitor: Monitor) -> float:
    value = {"loss": epoch.loss, "val_loss": epoch.val_loss, "val_accuracy": epoch.val_accuracy}[monitor]
    if value is None:
        raise ValueError(
            f"Epoch {epoch.epoch} has no {monitor}, expected a number. Train with validation images."
        )
    return value
