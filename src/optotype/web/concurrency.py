"""How many requests are answered at once; one more soon hears that it is too many.

Where more is asked than can be answered, whatever is taken on waits for what was taken on before it. So what may wait
is bounded here, before the framework has done its work, and with it the time that an answer takes.
"""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from optotype.web.limits import Limits
from optotype.web.problems import SOON, problem

_PAUSE: Final = 0.25
"""Seconds after which a request hears that it is one too many: whoever asks again at once would otherwise take as much
of the processor as those who are answered (benchmarks/RESULTS.md, overload)."""
_INTERFACE: Final = "/v1/"


class ConcurrencyLimit:
    """ASGI middleware: hands on so many requests to /v1 at once; health, metrics and the page are always answered.

    Args:
        app: The application.
        limits: How many.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._most = limits.requests
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or say 429."""
        if scope["type"] != "http" or not scope["path"].startswith(_INTERFACE):
            await self._app(scope, receive, send)
            return
        if self._open >= self._most:
            await asyncio.sleep(_PAUSE)
            refusal = problem(
                429, f"{self._most} requests are being answered already. Ask again in a second.", SOON
            )
            await refusal(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
