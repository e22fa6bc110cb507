"""Response to requests that are cancelled because the server stops."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optotype.web.problems import RETRY_AFTER_5_SECONDS, problem


class ShutdownResponse:
    """ASGI middleware that responds with 503 if a request is cancelled before its response has started.

    The server cancels running requests when the graceful shutdown times out, or at a second stop signal.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request."""
        has_started = False

        async def track_start(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, track_start)
        except asyncio.CancelledError:
            if has_started or scope["type"] != "http":
                raise
            response = problem(
                503, "The server stopped before it responded. Retry when it is back.", RETRY_AFTER_5_SECONDS
            )
            await response(scope, receive, send)
