"""What becomes of requests for which a server that ends waits no longer: they hear so."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optotype.web.problems import LATER, problem


class ShutdownResponse:
    """ASGI middleware: answers 503 where a request is cancelled before its answer has begun.

    The server cancels what is open when its patience ends, or when it is told twice to stop.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http":
                raise
            refusal = problem(503, "The server was stopped. Ask again when it is back.", LATER)
            await refusal(scope, receive, send)
