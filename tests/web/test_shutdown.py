"""Requests that are cancelled because the server stops."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from optotype.web.shutdown import ShutdownResponse


def test_cancelled_requests_get_503() -> None:
    """A cancelled request gets 503; a response that has started is not started again."""

    async def cancel_request(*, start_response: bool) -> list[Message]:
        messages: list[Message] = []

        async def app(_: Scope, __: Receive, send: Send) -> None:
            if start_response:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.Event().wait()

        async def send(message: Message) -> None:
            messages.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        task = asyncio.create_task(ShutdownResponse(app)({"type": "http"}, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return messages

    before = asyncio.run(cancel_request(start_response=False))
    after = asyncio.run(cancel_request(start_response=True))
    assert [message.get("status") for message in before] == [503, None]
    assert [message.get("status") for message in after] == [200]
