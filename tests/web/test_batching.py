"""Dynamic batching: batch formation, the queue's limit, errors and cancellation."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.models.model import Model
from optotype.models.prediction import Prediction
from optotype.runs.run import Run
from optotype.web.batching import Batcher, QueueFullError
from optotype.web.metrics import Metrics
from optotype.web.served_model import ServedModel, load_served_model
from tests.web.samples import images


@dataclass
class BlockedModel:
    """A model whose predictions wait.

    Attributes:
        release: Set it to let predictions run.
        calls: Batch size and coverage of each call.
    """

    release: Event
    calls: list[tuple[int, float]]


@contextmanager
def _block_predictions(monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockedModel]:
    blocked = BlockedModel(Event(), [])
    predict = Model.predict

    def blocked_predict(model: Model, batch: Any, **arguments: Any) -> list[Prediction]:
        blocked.release.wait(60)
        blocked.calls.append((len(batch), arguments["coverage"]))
        if batch.max() == 0:
            raise RuntimeError("empty image")
        return predict(model, batch, **arguments)

    monkeypatch.setattr(Model, "predict", blocked_predict)
    yield blocked
    blocked.release.set()


def _run(scenario: Callable[[Batcher], Awaitable[None]], max_queued: int = 256) -> Metrics:
    """Run a scenario while a batcher processes its queue."""
    metrics = Metrics()

    async def run_both() -> None:
        batcher = Batcher(max_queued, metrics)
        running = asyncio.create_task(batcher.run())
        try:
            await asyncio.wait_for(scenario(batcher), 60)
        finally:
            running.cancel()
            batcher.close()

    asyncio.run(run_both())
    return metrics


@pytest.fixture
def served(run: Run) -> ServedModel:
    """Load the run to serve it."""
    return load_served_model(run.path)


def _single_images(n: int) -> list[NDArray[np.uint8]]:
    return [image[np.newaxis] for image in images(n)]


async def _run_pending() -> None:
    """Run everything that can run, including the model's thread."""
    for _ in range(20):
        await asyncio.sleep(0.005)


def test_waiting_requests_form_one_batch(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first request is computed, nine others form one batch; each gets its own prediction."""
    inputs = _single_images(10)
    expected = [served.model.predict(image)[0].label for image in inputs]
    with _block_predictions(monkeypatch) as blocked:

        async def scenario(batcher: Batcher) -> None:
            first = asyncio.create_task(batcher.predict(served, inputs[0], 0.99))
            await _run_pending()
            others = [asyncio.create_task(batcher.predict(served, image, 0.99)) for image in inputs[1:]]
            await _run_pending()
            blocked.release.set()
            predictions = await asyncio.gather(first, *others)
            assert [prediction[0].label for prediction in predictions] == expected

        _run(scenario)
    assert [size for size, _ in blocked.calls] == [1, 9]


def test_full_queue_rejects_and_recovers(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request beyond the limit is rejected at once; earlier ones are answered, and later ones are accepted again."""
    with _block_predictions(monkeypatch) as blocked:

        async def scenario(batcher: Batcher) -> None:
            running = asyncio.create_task(batcher.predict(served, _single_images(1)[0], 0.99))
            await _run_pending()
            waiting = [
                asyncio.create_task(batcher.predict(served, image, 0.99)) for image in _single_images(4)
            ]
            await _run_pending()
            with pytest.raises(QueueFullError):
                await batcher.predict(served, _single_images(1)[0], 0.99)
            blocked.release.set()
            assert all(len(predictions) == 1 for predictions in await asyncio.gather(running, *waiting))
            assert len(await batcher.predict(served, _single_images(1)[0], 0.99)) == 1

        metrics = _run(scenario, max_queued=4)
    assert metrics.queued_images._value.get() == 0


def test_large_requests_are_split(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request with many images is computed in parts; a small later request waits for one part only."""
    with _block_predictions(monkeypatch) as blocked:

        async def scenario(batcher: Batcher) -> None:
            order: list[str] = []
            large = asyncio.create_task(batcher.predict(served, images(300), 0.99))
            large.add_done_callback(lambda _: order.append("large"))
            await _run_pending()
            small = asyncio.create_task(batcher.predict(served, _single_images(1)[0], 0.99))
            small.add_done_callback(lambda _: order.append("small"))
            await _run_pending()
            blocked.release.set()
            assert len((await asyncio.gather(large, small))[0]) == 300
            assert order == ["small", "large"]

        _run(scenario, max_queued=64)
    assert max(size for size, _ in blocked.calls) <= 65


def test_batches_have_one_model_coverage_and_dtype(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests with different models, coverages or dtypes are never computed together."""
    other = replace(served, fingerprint="sha256:other")
    (image,) = _single_images(1)
    with _block_predictions(monkeypatch) as blocked:

        async def scenario(batcher: Batcher) -> None:
            running = asyncio.create_task(batcher.predict(served, image, 0.5))
            await _run_pending()
            requests: list[tuple[ServedModel, NDArray[Any], float]] = [
                (served, image, 0.9),
                (served, image, 0.9),
                (other, image, 0.9),
                (other, image, 0.8),
                (other, (image / np.float32(255)).astype(np.float32), 0.8),
            ]
            waiting = [asyncio.create_task(batcher.predict(*request)) for request in requests]
            await _run_pending()
            blocked.release.set()
            await asyncio.gather(running, *waiting)

        _run(scenario)
    assert blocked.calls == [(1, 0.5), (2, 0.9), (1, 0.9), (1, 0.8), (1, 0.8)]


def test_error_affects_only_its_batch(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request of a failed batch gets the exception; the next batch is computed."""
    with _block_predictions(monkeypatch) as blocked:
        blocked.release.set()

        async def scenario(batcher: Batcher) -> None:
            with pytest.raises(RuntimeError, match="empty image"):
                await batcher.predict(served, np.zeros((1, 28, 28, 1), np.uint8), 0.99)
            assert len(await batcher.predict(served, _single_images(1)[0], 0.99)) == 1

        _run(scenario)


def test_cancelled_requests_do_not_block_their_batch(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is cancelled while it waits is dropped; the others of its batch are answered."""
    with _block_predictions(monkeypatch) as blocked:

        async def scenario(batcher: Batcher) -> None:
            running = asyncio.create_task(batcher.predict(served, _single_images(1)[0], 0.99))
            await _run_pending()
            cancelled, remaining = (
                asyncio.create_task(batcher.predict(served, image, 0.99)) for image in _single_images(2)
            )
            await _run_pending()
            cancelled.cancel()
            blocked.release.set()
            assert len((await asyncio.gather(running, remaining))[1]) == 1

        _run(scenario)
