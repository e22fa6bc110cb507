"""Dynamic batching: while the model computes one batch, arriving requests form the next one.

No request waits longer than for the batch before it, and a lone request does not wait at all. One thread runs the
model. The queue is limited by its number of images.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from optotype.models.inputs import Pixels
from optotype.models.prediction import Prediction
from optotype.web.metrics import Metrics
from optotype.web.served_model import ServedModel

_T = TypeVar("_T")

_MAX_BATCH: Final = 64
"""Images in a batch. A larger request is split, so that other requests are served in between."""


class QueueFullError(Exception):
    """The queue has no room for more images."""


@dataclass(frozen=True, eq=False)
class _QueuedImages:
    """Images of one request. A batch contains only requests with the same model, coverage and dtype."""

    served: ServedModel
    images: Pixels
    coverage: float
    result: "asyncio.Future[list[Prediction]]"

    def is_compatible(self, other: "_QueuedImages") -> bool:
        return (
            self.served is other.served
            and self.coverage == other.coverage
            and self.images.dtype == other.images.dtype
        )


class Batcher:
    """A queue of images and the thread that predicts them in batches.

    Args:
        max_queued: The maximum number of images in the queue.
        metrics: Metrics of the queue and of batches.
    """

    def __init__(self, max_queued: int, metrics: Metrics) -> None:
        self._max_queued = max_queued
        self._metrics = metrics
        self._queue: deque[_QueuedImages] = deque()
        self._queued = 0
        self._has_items = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "optotype-model")

    async def predict(self, served: ServedModel, images: Pixels, coverage: float) -> list[Prediction]:
        """Predict images, in batches with those of other requests.

        Args:
            served: The model that predicts all of them, also if another one is loaded meanwhile.
            images: Model inputs of shape (n, h, w, c).
            coverage: Target coverage of label sets, in 0 .. 1.

        Raises:
            QueueFullError: If the queue is full; no image was added to it.
        """
        predictions: list[Prediction] = []
        for start in range(0, len(images), _MAX_BATCH):
            part = images[start : start + _MAX_BATCH]
            # A request that has started is finished: only its first part can be rejected.
            if not start and self._queued and self._queued + len(part) > self._max_queued:
                raise QueueFullError
            predictions += await self._enqueue(served, part, coverage)
        return predictions

    def _enqueue(
        self, served: ServedModel, images: Pixels, coverage: float
    ) -> "asyncio.Future[list[Prediction]]":
        item = _QueuedImages(served, images, coverage, asyncio.get_running_loop().create_future())
        self._queue.append(item)
        self._change_queued(len(images))
        self._has_items.set()
        return item.result

    def _change_queued(self, images: int) -> None:
        self._queued += images
        self._metrics.queued_images.set(self._queued)

    async def run(self) -> None:
        """Process the queue until cancelled; cancel it when no request is open any more."""
        loop = asyncio.get_running_loop()
        while True:
            await self._has_items.wait()
            batch = self._next_batch()
            try:
                results = await loop.run_in_executor(self._thread, _predict, batch)
            except Exception as error:  # noqa: BLE001 - every request of the batch receives the exception
                for item in batch:
                    if not item.result.done():
                        item.result.set_exception(error)
                continue
            for item, predictions in zip(batch, results, strict=True):
                # The request may have been cancelled.
                if not item.result.done():
                    item.result.set_result(predictions)

    def _next_batch(self) -> list[_QueuedImages]:
        """Remove the next batch from the non-empty queue: the first item and the compatible ones right after it."""
        batch = [self._queue.popleft()]
        size = len(batch[0].images)
        while (
            self._queue
            and batch[0].is_compatible(self._queue[0])
            and size + len(self._queue[0].images) <= _MAX_BATCH
        ):
            batch.append(self._queue.popleft())
            size += len(batch[-1].images)
        if not self._queue:
            self._has_items.clear()
        self._change_queued(-size)
        self._metrics.batch_images.observe(size)
        return batch

    def compute(self, function: Callable[[], _T]) -> _T:
        """Call a function in the model's thread, between two batches, and return its result; blocks the caller."""
        return self._thread.submit(function).result()

    def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _predict(batch: Sequence[_QueuedImages]) -> list[list[Prediction]]:
    """Predict a batch and return the predictions of each item."""
    first = batch[0]
    images: NDArray[Any] = np.concatenate([item.images for item in batch])
    model = first.served.model
    predictions = iter(model.predict(images, coverage=first.coverage))
    return [[next(predictions) for _ in item.images] for item in batch]
