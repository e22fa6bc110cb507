"""The interface that training needs of a network."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.engine.augmentation import Augment
from optotype.engine.network import EpochTotals, Images, Report
from optotype.engine.optimizers import Optimizer
from optotype.engine.processor import Precision


class Trainable(Protocol):
    """A network that can be trained; `Network` and `FrozenNetwork` satisfy it.

    Attributes:
        isa: The instruction set in use.
        precision: The precision in use, "fp32" or "bf16".
        threads: The number of threads in use.
    """

    isa: str
    precision: Precision
    threads: int

    def initialize(self, seed: int) -> None:
        """Set every parameter to its initial value."""

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of all weights by name, in Keras's layouts."""

    def set_weights(self, weights: Mapping[str, ArrayLike]) -> None:
        """Set all weights, with the names and shapes that `weights` returns."""

    def compile(self, optimizer: Optimizer, batch_size: int, augment: Augment | None = None) -> None:
        """Allocate the memory for training and reset the optimizer."""

    def train_epoch(
        self,
        images: Images,
        labels: NDArray[np.integer],
        order: NDArray[np.int64],
        *,
        learning_rates: NDArray[np.float32],
        key: tuple[int, int],
        report: Report | None = None,
    ) -> EpochTotals:
        """Train on images in the given order, one step per batch."""

    def logits(self, images: Images) -> NDArray[np.float32]:
        """Compute the logits of images, float32 of shape (n, classes)."""
