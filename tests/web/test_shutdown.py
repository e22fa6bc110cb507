"""Whoever waits when the server ends hears so."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from optotype.web.shutdown import ShutdownResponse


def test_a_request_that_is_cancelled_hears_it() -> None:
    """Who waits when the server ends hears 503; an answer that has begun is not begun again."""

    async def scenario(*, begin: bool) -> list[Message]:
        heard: list[Message] = []

        async def app(_: Scope, __: Receive, send: Send) -> None:
            if begin:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.Event().wait()

        async def send(message: Message) -> None:
            heard.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        task = asyncio.create_task(ShutdownResponse(app)({"type": "http"}, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return heard

    assert [each.get("status") for each in asyncio.run(scenario(begin=False))] == [503, None]
    assert [each.get("status") for each in asyncio.run(scenario(begin=True))] == [200]
