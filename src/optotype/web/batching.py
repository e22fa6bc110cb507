"""Requests gathered into batches: while the model computes one batch, what arrives waits and becomes the next.

So nothing waits longer than the batch before it takes, and a lone request does not wait at all. One thread computes;
the queue is bounded by its number of images.
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
from optotype.web.served import Served

_T = TypeVar("_T")

_LARGEST: Final = 64
"""Images of a batch; those of a larger request wait their turn between others'."""


class QueueFullError(Exception):
    """There are more images waiting than the queue takes."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    """Images of one request; a batch holds only what is alike in everything else."""

    served: Served
    images: Pixels
    coverage: float
    answer: "asyncio.Future[list[Prediction]]"

    def goes_with(self, other: "_Waiting") -> bool:
        return (
            self.served is other.served
            and self.coverage == other.coverage
            and self.images.dtype == other.images.dtype
        )


class Batches:
    """The queue before a model, and the thread that answers it.

    Args:
        waiting: How many images may wait.
        metrics: Where batches are counted.
    """

    def __init__(self, waiting: int, metrics: Metrics) -> None:
        self._most = waiting
        self._metrics = metrics
        self._queue: deque[_Waiting] = deque()
        self._images = 0
        self._filled = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "optotype-model")

    async def predict(self, served: Served, images: Pixels, coverage: float) -> list[Prediction]:
        """Predict images, together with those of other requests.

        Args:
            served: What predicts all of them, whatever is loaded meanwhile.
            images: As the model takes them, of shape (n, h, w, c).
            coverage: How often label sets are to hold the truth.

        Raises:
            QueueFullError: Too many images wait already; the request has not been taken on.
        """
        predictions: list[Prediction] = []
        for first in range(0, len(images), _LARGEST):
            part = images[first : first + _LARGEST]
            # What was begun is finished: only the first part can be refused.
            if not first and self._images and self._images + len(part) > self._most:
                raise QueueFullError
            predictions += await self._put(served, part, coverage)
        return predictions

    def _put(self, served: Served, images: Pixels, coverage: float) -> "asyncio.Future[list[Prediction]]":
        waiting = _Waiting(served, images, coverage, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._count(len(images))
        self._filled.set()
        return waiting.answer

    def _count(self, images: int) -> None:
        self._images += images
        self._metrics.waiting.set(self._images)

    async def answer(self) -> None:
        """Answer the queue for ever; to be cancelled when no request is open any more."""
        loop = asyncio.get_running_loop()
        while True:
            await self._filled.wait()
            batch = self._take()
            try:
                answers = await loop.run_in_executor(self._thread, _predict, batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, each of them hears of it
                for each in batch:
                    if not each.answer.done():
                        each.answer.set_exception(error)
                continue
            for each, predictions in zip(batch, answers, strict=True):
                # Whoever asked may have gone.
                if not each.answer.done():
                    each.answer.set_result(predictions)

    def _take(self) -> list[_Waiting]:
        """Take the next batch from the queue, which is not empty: what came first, and all that goes with it."""
        batch = [self._queue.popleft()]
        size = len(batch[0].images)
        while (
            self._queue
            and batch[0].goes_with(self._queue[0])
            and size + len(self._queue[0].images) <= _LARGEST
        ):
            batch.append(self._queue.popleft())
            size += len(batch[-1].images)
        if not self._queue:
            self._filled.clear()
        self._count(-size)
        self._metrics.batch_images.observe(size)
        return batch

    def compute(self, work: Callable[[], _T]) -> _T:
        """Do something with the model, between two batches; for other threads, which wait for it."""
        return self._thread.submit(work).result()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _predict(batch: Sequence[_Waiting]) -> list[list[Prediction]]:
    """Predict a batch, and deal out the predictions."""
    first = batch[0]
    images: NDArray[Any] = np.concatenate([each.images for each in batch])
    model = first.served.model
    predictions = iter(model.predict(images, coverage=first.coverage))
    return [[next(predictions) for _ in each.images] for each in batch]
