"""A network whose first layers are frozen: they compute as in prediction, and only the layers after them train.

The output of the frozen layers for an image never changes. If it fits into memory it is computed once and cached, and
the other layers train on it as on any input. Dropout before the last frozen layer has no effect, and batch
normalization uses its moving statistics, as the Keras guide to transfer learning recommends
(keras.io/guides/transfer_learning, training=False).
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.engine.augmentation import Augment, augment_images
from optotype.engine.layers import Dropout, Flatten, LayerRow
from optotype.engine.network import EpochTotals, Images, Network, Report
from optotype.engine.optimizers import Optimizer
from optotype.randomness import combine

Weights = Mapping[str, ArrayLike]

MAX_CACHED_BYTES: Final = 512 << 20
"""Maximum size of cached features; larger ones are computed again in every epoch."""
CHUNK_BYTES: Final = 32 << 20
"""Size of the features that are computed together."""


class FrozenNetwork:
    """A network of which only the last layers train. It implements `Trainable`, as `Network` does.

    Training gives the same bits for any number of threads.

    Args:
        network: The whole network. Its own weights stay as they are until `full_network` is called.
        count: Number of its first layers to freeze, at least 1. Among the layers after the last frozen weights, those
            from the first Dropout on are not frozen: dropout has nothing to freeze and stays active.

    Attributes:
        count: Number of layers that compute as in prediction.
        isa: The instruction set in use.
        precision: The precision in use.
        threads: The number of threads in use.
    """

    def __init__(self, network: Network, count: int) -> None:
        self.count = _frozen_count(network.rows, count)
        self.isa, self.precision, self.threads = network.isa, network.precision, network.threads
        self._network = network
        shape = network.rows[self.count - 1].output_shape
        head = tuple(row.layer for row in network.rows[self.count :])
        is_flat = len(shape) == 1
        # The input of a network is an image, so flat features become an image of one pixel.
        layers = (Flatten(), *head) if is_flat else head
        input_shape = (1, 1, shape[0]) if is_flat else (shape[0], shape[1], shape[2])
        self._head = Network(
            layers, input_shape, threads=self.threads, isa=self.isa, precision=self.precision
        )
        self._offset = self.count - (
            1 if is_flat else 0
        )  # of layer indices: in the network minus in the head
        self._feature_bytes = 4 * math.prod(shape)
        self._augment: Augment | None = None
        self._batch_size = 1
        self._cache: tuple[Images, NDArray[np.float32]] | None = None

    def initialize(self, seed: int) -> None:
        """Set every parameter to its initial value; as for Network."""
        self._network.initialize(seed)
        self.set_weights(self._network.weights())

    def set_weights(self, weights: Weights) -> None:
        """Set all weights, including the frozen ones; as for Network."""
        self._network.set_weights(weights)
        self._cache = None
        self._head.set_weights(
            {name: weights[_shift_layer(name, self._offset)] for name in self._head.weights()}
        )

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of all weights, including the frozen ones; as for Network."""
        trained = {_shift_layer(name, self._offset): array for name, array in self._head.weights().items()}
        return {**self._network.weights(), **trained}

    def compile(self, optimizer: Optimizer, batch_size: int, augment: Augment | None = None) -> None:
        """Reserve all memory that training needs, and reset the optimizer; as for Network."""
        self._head.compile(optimizer, batch_size)
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
        steps = max(1, CHUNK_BYTES // (self._feature_bytes * self._batch_size))
        parts = []
        for number, first in enumerate(range(0, len(order), steps * self._batch_size)):
            indices = order[first : first + steps * self._batch_size]
            totals = self._head.train_epoch(
                self._features(images, indices, key),
                labels[indices],
                np.arange(len(indices)),
                learning_rates=learning_rates[number * steps : (number + 1) * steps],
                key=(combine(*key), number),
            )
            parts.append(totals)
            if not totals.finite:
                break
            if report is not None:
                report(first + totals.images)
        return _combine_totals(parts)

    def logits(self, images: Images) -> NDArray[np.float32]:
        """Compute the logits of images, as in prediction; as for Network."""
        return self.full_network().logits(images)

    def full_network(self) -> Network:
        """Return the whole network with the weights trained so far; always the same object."""
        self._network.set_weights(self.weights())
        return self._network

    def _features(
        self, images: Images, indices: NDArray[np.int64], key: tuple[int, int]
    ) -> NDArray[np.float32]:
        if self._augment is not None:
            return self._frozen_outputs(augment_images(images, self._augment, indices, key=key))
        if len(images) * self._feature_bytes > MAX_CACHED_BYTES:
            return self._frozen_outputs(images[indices])
        if self._cache is None or self._cache[0] is not images:
            self._cache = images, np.concatenate(list(self._feature_chunks(images)))
        return self._cache[1][indices]

    def _feature_chunks(self, images: Images) -> Iterator[NDArray[np.float32]]:
        chunk = max(1, CHUNK_BYTES // self._feature_bytes)
        for start in range(0, len(images), chunk):
            yield self._frozen_outputs(images[start : start + chunk])

    def _frozen_outputs(self, images: Images) -> NDArray[np.float32]:
        outputs = self._network.outputs(images, self.count - 1)
        return outputs if outputs.ndim == 4 else outputs[:, np.newaxis, np.newaxis]


def _frozen_count(rows: tuple[LayerRow, ...], count: int) -> int:
    """Return how many of the first `count` layers to freeze: up to the first Dropout after the last weights."""
    after_weights = max(index + 1 for index in range(count) if rows[index].parameters)
    candidates = range(after_weights, count)
    return next((index for index in candidates if isinstance(rows[index].layer, Dropout)), count)


def _shift_layer(name: str, offset: int) -> str:
    """Return the name of a weight with another layer index."""
    layer, _, parameter = name.partition(".")
    return f"{int(layer) + offset}.{parameter}"


def _combine_totals(parts: list[EpochTotals]) -> EpochTotals:
    images = sum(part.images for part in parts)
    return EpochTotals(
        loss=sum(part.loss * part.images for part in parts) / max(images, 1),
        accuracy=sum(part.accuracy * part.images for part in parts) / max(images, 1),
        images=images,
        steps=sum(part.steps for part in parts),
        finite=all(part.finite for part in parts),
    )
