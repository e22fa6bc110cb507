"""A bounded number of requests is answered at once."""

import asyncio

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from optotype.web.concurrency import ConcurrencyLimit
from optotype.web.limits import Limits


def test_past_the_bound_a_request_is_refused() -> None:
    """Of four requests to two places, two are answered and two hear 429 with Retry-After; health is always answered."""

    async def scenario() -> None:
        free, arrived = asyncio.Event(), asyncio.Semaphore(0)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/v1/slow":
                arrived.release()
                await free.wait()
            await PlainTextResponse("answered")(scope, receive, send)

        transport = httpx2.ASGITransport(ConcurrencyLimit(app, Limits(requests=2)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            begun = [asyncio.create_task(client.get("/v1/slow")) for _ in range(2)]
            await arrived.acquire()
            await arrived.acquire()
            refused = [await client.get("/v1/slow") for _ in range(2)]
            assert (await client.get("/health/live")).status_code == 200
            free.set()
            answered = await asyncio.gather(*begun)
            assert (await client.get("/v1/slow")).status_code == 200
        assert [each.status_code for each in answered] == [200, 200]
        assert [(each.status_code, each.headers["retry-after"]) for each in refused] == [(429, "1")] * 2

    asyncio.run(scenario())


def test_a_request_that_fails_gives_its_place_back() -> None:
    """After an application that raised, as many are answered as before."""

    async def scenario() -> None:
        async def app(_: Scope, __: Receive, ___: Send) -> None:
            raise RuntimeError("broken")

        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(ConcurrencyLimit(app, Limits(requests=1))),
            base_url="http://localhost",
        ) as client:
            for _ in range(3):
                with pytest.raises(RuntimeError):
                    await client.get("/v1/model")

    asyncio.run(scenario())
