"""Limit on the number of requests that are processed at once.

Under overload every accepted request waits for the ones before it. So the number of requests in progress is limited
here, before the framework does any work, and with it the response time.
"""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from optotype.web.limits import Limits
from optotype.web.problems import RETRY_AFTER_1_SECOND, problem

_REJECTION_DELAY_SECONDS: Final = 0.25
"""Delay before 429. Clients that retry at once would otherwise use as much processor time as the requests that are
being processed (benchmarks/RESULTS.md, overload)."""
_API_PREFIX: Final = "/v1/"


class ConcurrencyLimit:
    """ASGI middleware that limits concurrent requests to /v1; health, metrics and the page are always answered.

    Args:
        app: The application.
        limits: ``concurrent_requests`` is the limit.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limit = limits.concurrent_requests
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, or respond with 429."""
        if scope["type"] != "http" or not scope["path"].startswith(_API_PREFIX):
            await self._app(scope, receive, send)
            return
        if self._running >= self._limit:
            await asyncio.sleep(_REJECTION_DELAY_SECONDS)
            response = problem(
                429,
                f"The server is already processing {self._limit} requests. Retry in 1 second.",
                RETRY_AFTER_1_SECOND,
            )
            await response(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
