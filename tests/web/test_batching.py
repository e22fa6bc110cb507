"""Requests are gathered while the model is busy; the queue is bounded; nothing is mixed and nothing lost."""

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
from optotype.web.batching import Batches, QueueFullError
from optotype.web.metrics import Metrics
from optotype.web.served import Served, load_served
from tests.web.samples import images


@dataclass
class Desk:
    """A model that waits to be let go, and what it was asked."""

    served: Served
    free: Event
    asked: list[tuple[int, float]]


@contextmanager
def _held(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk(served, Event(), [])
    predict = Model.predict

    def wait(model: Model, batch: Any, **given: Any) -> list[Prediction]:
        desk.free.wait(60)
        desk.asked.append((len(batch), given["coverage"]))
        if batch.max() == 0:
            raise RuntimeError("no ink")
        return predict(model, batch, **given)

    monkeypatch.setattr(Model, "predict", wait)
    yield desk
    desk.free.set()


def _run(scenario: Callable[[Batches], Awaitable[None]], waiting: int = 256) -> Metrics:
    """Run a scenario beside the loop that answers."""
    metrics = Metrics()

    async def both() -> None:
        batches = Batches(waiting, metrics)
        answering = asyncio.create_task(batches.answer())
        try:
            await asyncio.wait_for(scenario(batches), 60)
        finally:
            answering.cancel()
            batches.close()

    asyncio.run(both())
    return metrics


@pytest.fixture
def served(run: Run) -> Served:
    """Load the run as it is served."""
    return load_served(run.path)


def _ones(n: int) -> list[NDArray[np.uint8]]:
    return [image[np.newaxis] for image in images(n)]


async def _settle() -> None:
    """Let everything run that can, the thread included."""
    for _ in range(20):
        await asyncio.sleep(0.005)


def test_what_waits_becomes_one_batch(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first request is computed, nine others gather, are computed at once, and each hears its own answer."""
    some = _ones(10)
    expected = [served.model.predict(image)[0].label for image in some]
    with _held(served, monkeypatch) as desk:

        async def scenario(batches: Batches) -> None:
            first = asyncio.create_task(batches.predict(served, some[0], 0.99))
            await _settle()
            others = [asyncio.create_task(batches.predict(served, image, 0.99)) for image in some[1:]]
            await _settle()
            desk.free.set()
            answers = await asyncio.gather(first, *others)
            assert [answer[0].label for answer in answers] == expected

        _run(scenario)
    assert [size for size, _ in desk.asked] == [1, 9]


def test_a_full_queue_refuses_and_goes_on(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound a request is refused at once; those before it are answered, and then others are taken again."""
    with _held(served, monkeypatch) as desk:

        async def scenario(batches: Batches) -> None:
            begun = asyncio.create_task(batches.predict(served, _ones(1)[0], 0.99))
            await _settle()
            waiting = [asyncio.create_task(batches.predict(served, image, 0.99)) for image in _ones(4)]
            await _settle()
            with pytest.raises(QueueFullError):
                await batches.predict(served, _ones(1)[0], 0.99)
            desk.free.set()
            assert all(len(answer) == 1 for answer in await asyncio.gather(begun, *waiting))
            assert len(await batches.predict(served, _ones(1)[0], 0.99)) == 1

        metrics = _run(scenario, waiting=4)
    assert metrics.waiting._value.get() == 0


def test_a_large_request_lets_others_pass(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of many images is computed in parts, and a small one that comes later waits for one part only."""
    with _held(served, monkeypatch) as desk:

        async def scenario(batches: Batches) -> None:
            order: list[str] = []
            large = asyncio.create_task(batches.predict(served, images(300), 0.99))
            large.add_done_callback(lambda _: order.append("large"))
            await _settle()
            small = asyncio.create_task(batches.predict(served, _ones(1)[0], 0.99))
            small.add_done_callback(lambda _: order.append("small"))
            await _settle()
            desk.free.set()
            assert len((await asyncio.gather(large, small))[0]) == 300
            assert order == ["small", "large"]

        _run(scenario, waiting=64)
    assert max(size for size, _ in desk.asked) <= 65


def test_a_batch_is_of_one_model_coverage_and_type(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests to different models, of different coverages or types of pixels are never computed together."""
    other = replace(served, fingerprint="sha256:other")
    (image,) = _ones(1)
    with _held(served, monkeypatch) as desk:

        async def scenario(batches: Batches) -> None:
            begun = asyncio.create_task(batches.predict(served, image, 0.5))
            await _settle()
            asks: list[tuple[Served, NDArray[Any], float]] = [
                (served, image, 0.9),
                (served, image, 0.9),
                (other, image, 0.9),
                (other, image, 0.8),
                (other, (image / np.float32(255)).astype(np.float32), 0.8),
            ]
            waiting = [asyncio.create_task(batches.predict(*ask)) for ask in asks]
            await _settle()
            desk.free.set()
            await asyncio.gather(begun, *waiting)

        _run(scenario)
    assert desk.asked == [(1, 0.5), (2, 0.9), (1, 0.9), (1, 0.8), (1, 0.8)]


def test_an_error_reaches_its_batch_alone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is in a batch that fails hears of it; the next batch is answered."""
    with _held(served, monkeypatch) as desk:
        desk.free.set()

        async def scenario(batches: Batches) -> None:
            with pytest.raises(RuntimeError, match="no ink"):
                await batches.predict(served, np.zeros((1, 28, 28, 1), np.uint8), 0.99)
            assert len(await batches.predict(served, _ones(1)[0], 0.99)) == 1

        _run(scenario)


def test_who_has_gone_keeps_nobody_waiting(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is given up while it waits is dropped; the others of its batch are answered."""
    with _held(served, monkeypatch) as desk:

        async def scenario(batches: Batches) -> None:
            begun = asyncio.create_task(batches.predict(served, _ones(1)[0], 0.99))
            await _settle()
            gone, stays = (asyncio.create_task(batches.predict(served, each, 0.99)) for each in _ones(2))
            await _settle()
            gone.cancel()
            desk.free.set()
            assert len((await asyncio.gather(begun, stays))[1]) == 1

        _run(scenario)
