"""A network whose first layers stand still: they compute as in prediction, and only the layers after them train.

What the frozen layers make of an image never changes, so where it fits into memory it is computed once, and the rest
trains on it as on any input. Dropout below the last frozen layer does nothing, and batch normalization uses its moving
statistics, as Keras's guide to transfer learning advises (keras.io/guides/transfer_learning, training=False).
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.engine.augmentation import Augment, augmented
from optotype.engine.layers import Dropout, Flatten, LayerRow
from optotype.engine.network import EpochTotals, Images, Network, Report
from optotype.engine.optimizers import Optimizer
from optotype.randomness import combine

Weights = Mapping[str, ArrayLike]

MOST_KEPT: Final = 512 << 20
"""Bytes of the largest features that are computed once and kept; larger ones are computed anew in every epoch."""
_AT_ONCE: Final = 32 << 20  # bytes of features that are computed together


class FrozenNetwork:
    """A network of which only the last layers train; to a training loop it is a Network.

    Training gives the same bits for any number of threads.

    Args:
        whole: The network; it does not change until its weights are asked for.
        count: How many of its first layers are frozen, at least 1; those without weights that end them are frozen only
            up to the first Dropout, which has nothing to freeze and goes on dropping.

    Attributes:
        count: How many layers are computed as in prediction.
        isa: The instruction set in use.
        precision: The precision in use.
        threads: The number of threads in use.
    """

    def __init__(self, whole: Network, count: int) -> None:
        self.count = _still(whole.rows, count)
        self.isa, self.precision, self.threads = whole.isa, whole.precision, whole.threads
        self._whole = whole
        shape = whole.rows[self.count - 1].output_shape
        rest = tuple(row.layer for row in whole.rows[self.count :])
        flat = len(shape) == 1
        # A network's input is an image: flat features become one of a single pixel.
        layers = (Flatten(), *rest) if flat else rest
        inputs = (1, 1, shape[0]) if flat else (shape[0], shape[1], shape[2])
        self._rest = Network(layers, inputs, threads=self.threads, isa=self.isa, precision=self.precision)
        self._ahead = self.count - (1 if flat else 0)
        self._bytes = 4 * math.prod(shape)
        self._augment: Augment | None = None
        self._batch_size = 1
        self._kept: tuple[Images, NDArray[np.float32]] | None = None

    def initialize(self, seed: int) -> None:
        """Set every parameter to its initial value; as for Network."""
        self._whole.initialize(seed)
        self.set_weights(self._whole.weights())

    def set_weights(self, weights: Weights) -> None:
        """Set all weights, the frozen ones too; as for Network."""
        self._whole.set_weights(weights)
        self._kept = None
        mine = self._rest.weights()
        self._rest.set_weights({name: weights[_moved(name, self._ahead)] for name in mine})

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Copy the weights out, the frozen ones too; as for Network."""
        trained = {_moved(name, self._ahead): weight for name, weight in self._rest.weights().items()}
        return {**self._whole.weights(), **trained}

    def compile(self, optimizer: Optimizer, batch_size: int, augment: Augment | None = None) -> None:
        """Reserve all the memory that training takes, and reset the optimizer; as for Network."""
        self._rest.compile(optimizer, batch_size)
        self._batch_size = batch_size
        self._augment = augment

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
        """Train the layers that are not frozen; as for Network."""
        steps = max(1, _AT_ONCE // (self._bytes * self._batch_size))
        pieces = []
        for number, first in enumerate(range(0, len(order), steps * self._batch_size)):
            rows = order[first : first + steps * self._batch_size]
            totals = self._rest.train_epoch(
                self._seen(images, rows, key),
                labels[rows],
                np.arange(len(rows)),
                learning_rates=learning_rates[number * steps : (number + 1) * steps],
                key=(combine(*key), number),
            )
            pieces.append(totals)
            if not totals.finite:
                break
            if report is not None:
                report(first + totals.images)
        return _summed(pieces)

    def logits(self, images: Images) -> NDArray[np.float32]:
        """Compute the logits of images, as in prediction; as for Network."""
        return self.whole().logits(images)

    def whole(self) -> Network:
        """Give the whole network, with what was learned so far; it is the same one every time."""
        self._whole.set_weights(self.weights())
        return self._whole

    def _seen(self, images: Images, rows: NDArray[np.int64], key: tuple[int, int]) -> NDArray[np.float32]:
        """Give what the frozen layers make of some images."""
        if self._augment is not None:
            return self._outputs(augmented(images, self._augment, rows, key=key))
        if len(images) * self._bytes > MOST_KEPT:
            return self._outputs(images[rows])
        if self._kept is None or self._kept[0] is not images:
            at_once = max(1, _AT_ONCE // self._bytes)
            starts = range(0, len(images), at_once)
            pieces = [self._outputs(images[start : start + at_once]) for start in starts]
            self._kept = images, np.concatenate(pieces)
        return self._kept[1][rows]

    def _outputs(self, images: Images) -> NDArray[np.float32]:
        outputs = self._whole.outputs(images, self.count - 1)
        return outputs if outputs.ndim == 4 else outputs[:, np.newaxis, np.newaxis]


def _still(rows: tuple[LayerRow, ...], count: int) -> int:
    """Leave out what follows the last weights from the first Dropout on."""
    weighted = max(place + 1 for place in range(count) if rows[place].parameters)
    after = range(weighted, count)
    return next((place for place in after if isinstance(rows[place].layer, Dropout)), count)


def _moved(name: str, by: int) -> str:
    """Give the name of a weight whose layer lies elsewhere."""
    layer, _, parameter = name.partition(".")
    return f"{int(layer) + by}.{parameter}"


def _summed(pieces: list[EpochTotals]) -> EpochTotals:
    images = sum(piece.images for piece in pieces)
    return EpochTotals(
        loss=sum(piece.loss * piece.images for piece in pieces) / max(images, 1),
        accuracy=sum(piece.accuracy * piece.images for piece in pieces) / max(images, 1),
        images=images,
        steps=sum(piece.steps for piece in pieces),
        finite=all(piece.finite for piece in pieces),
    )
