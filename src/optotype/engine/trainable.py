"""The interface of everything that a training loop can train."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.engine.augmentation import Augment
from optotype.engine.network import EpochTotals, Images, Report
from optotype.engine.optimizers import Optimizer
from optotype.engine.processor import Precision


class Trainable(Protocol):
    """A network as a training loop uses it; `Network` and `FrozenNetwork` implement it, with the same arguments."""

    @property
    def isa(self) -> str:
        """The instruction set in use."""

    @property
    def precision(self) -> Precision:
        """The precision in use."""

    @property
    def threads(self) -> int:
        """The number of threads in use."""

    def initialize(self, seed: int) -> None:
        """Set every parameter to its initial value."""

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of all weights."""

    def set_weights(self, weights: Mapping[str, ArrayLike]) -> None:
        """Set all weights."""

    def compile(self, optimizer: Optimizer, batch_size: int, augment: Augment | None = None) -> None:
        """Reserve all memory that training needs, and reset the optimizer."""

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
        """Train on images in a given order, one step per batch."""

    def logits(self, images: Images) -> NDArray[np.float32]:
        """Compute the logits of images, as in prediction."""
