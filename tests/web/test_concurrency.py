"""The limit on concurrent requests."""

import asyncio

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from optotype.web.concurrency import ConcurrencyLimit
from optotype.web.limits import Limits


def test_requests_beyond_the_limit_get_429() -> None:
    """With a limit of 2, two of four requests are answered and two get 429 with Retry-After; health is not limited."""

    async def scenario() -> None:
        release, started = asyncio.Event(), asyncio.Semaphore(0)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/v1/slow":
                started.release()
                await release.wait()
            await PlainTextResponse("done")(scope, receive, send)

        transport = httpx2.ASGITransport(ConcurrencyLimit(app, Limits(concurrent_requests=2)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            running = [asyncio.create_task(client.get("/v1/slow")) for _ in range(2)]
            await started.acquire()
            await started.acquire()
            rejected = [await client.get("/v1/slow") for _ in range(2)]
            assert (await client.get("/health/live")).status_code == 200
            release.set()
            answered = await asyncio.gather(*running)
            assert (await client.get("/v1/slow")).status_code == 200
        assert [response.status_code for response in answered] == [200, 200]
        retries = [(response.status_code, response.headers["retry-after"]) for response in rejected]
        assert retries == [(429, "1")] * 2

    asyncio.run(scenario())


def test_failed_requests_do_not_count() -> None:
    """After an application that raised, as many requests run concurrently as before."""

    async def scenario() -> None:
        async def app(_: Scope, __: Receive, ___: Send) -> None:
            raise RuntimeError("broken")

        transport = httpx2.ASGITransport(ConcurrencyLimit(app, Limits(concurrent_requests=1)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for _ in range(3):
                with pytest.raises(RuntimeError):
                    await client.get("/v1/model")

    asyncio.run(scenario())
