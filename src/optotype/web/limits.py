"""Limits of the server, and the middleware that enforces those on request bodies.

The middleware reads each body completely before it calls the application. Every use of a body needs all of it, so
nothing is lost, and the application never sees a body that is too large, too slow or incomplete. (Starlette's
RequestBodyLimitMiddleware checks the size only: neither the time nor the sum of all bodies.)
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optotype.web.problems import RETRY_AFTER_1_SECOND, problem

_MAX_DISCARDED_BODIES: Final = 4
"""After a rejection, up to this many times ``body_bytes`` are read and discarded, so that the client can read the
response."""


@dataclass(frozen=True)
class Limits:
    """Maximum values that one server accepts.

    Attributes:
        body_bytes: Bytes of a request body.
        total_body_bytes: Bytes of all bodies that are in memory at once.
        body_seconds: Seconds in which a body must arrive.
        header_seconds: Seconds in which a request line and its headers must arrive.
        header_bytes: Bytes of a request line and its headers.
        write_seconds: Seconds in which a client must read some of a response that is waiting for it.
        connections: Open connections.
        images: Images in a request.
        pixels: Pixels of one image file; all files of a request may have 8 times as many (`bodies`).
        queued_images: Images in the queue, over all requests.
        concurrent_requests: Requests to /v1 that are processed at once.
    """

    body_bytes: int = 16 * 2**20
    total_body_bytes: int = 256 * 2**20
    body_seconds: float = 10.0
    header_seconds: float = 10.0
    header_bytes: int = 32 * 2**10
    write_seconds: float = 60.0
    connections: int = 1024
    images: int = 1024
    pixels: int = 32_000_000
    queued_images: int = 1024
    concurrent_requests: int = 128


class BodyLimits:
    """ASGI middleware that forwards only requests whose body arrived in time and within the limits.

    It rejects an invalid Content-Length (400), more than ``body_bytes`` (413, at once if the length is announced), a
    body that has not arrived after ``body_seconds`` (408), and a body that exceeds ``total_body_bytes`` (503). After
    each of these the connection closes.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._total_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body and call the application, or reject the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, content = bytearray(), b""  # one of them holds the bytes that are counted
        receive_body = _stop_at_end(receive)
        try:
            rejection = self._check_content_length(scope) or await self._read(body, receive_body)
            if rejection is not None:
                self._total_bytes -= len(body)
                body.clear()
                await reject(rejection, scope, receive_body, send, self._limits)
            else:
                content, body = bytes(body), bytearray()
                await self._app(scope, _replay(content, receive), send)
        except _DisconnectedError:
            pass  # no client is left to respond to
        finally:
            self._total_bytes -= len(body) + len(content)

    def _check_content_length(self, scope: Scope) -> Response | None:
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if not lengths:
            return None
        if len(lengths) > 1 or not lengths[0].isdigit():
            return problem(400, f"Content-Length is {b', '.join(lengths)!r}, expected one whole number.")
        # The number of digits is compared first: int() rejects numbers with thousands of digits.
        digits = lengths[0].lstrip(b"0")
        if len(digits) > 18 or int(digits or b"0") > self._limits.body_bytes:
            return self._too_large()
        return None

    async def _read(self, body: bytearray, receive: Receive) -> Response | None:
        """Append the request's body to `body`; return a rejection if a limit is exceeded."""
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                has_more = True
                while has_more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _DisconnectedError
                    chunk = message.get("body", b"")
                    has_more = message.get("more_body", False)
                    if len(body) + len(chunk) > self._limits.body_bytes:
                        return self._too_large()
                    if self._total_bytes + len(chunk) > self._limits.total_body_bytes:
                        return problem(
                            503,
                            f"The bodies of all running requests exceed {self._limits.total_body_bytes} bytes. Retry"
                            " in 1 second.",
                            RETRY_AFTER_1_SECOND,
                        )
                    body += chunk
                    self._total_bytes += len(chunk)
        except TimeoutError:
            return problem(
                408,
                f"{len(body)} bytes of the body arrived in {self._limits.body_seconds:g} seconds, expected the whole"
                " body. Send it faster, or split the images among several requests.",
            )
        return None

    def _too_large(self) -> Response:
        return problem(
            413,
            f"The body has more than {self._limits.body_bytes} bytes. Send fewer or smaller images per request.",
        )


async def reject(response: Response, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
    """Respond to a request whose body has not been read, and close the connection if there is a body.

    A connection that is closed with unread bytes is reset, and the reset can overtake the response (RFC 9112, section
    9.6). So the complete response is sent first, arriving bytes are read and discarded for a while, and only then the
    response ends.

    Args:
        response: The error response.
        scope: The request's scope.
        receive: The request's receive.
        send: The request's send.
        limits: ``body_seconds`` and ``body_bytes`` bound how long and how much is discarded.
    """
    names = {name for name, _ in scope["headers"]}
    if names.isdisjoint({b"content-length", b"transfer-encoding"}):
        await response(scope, receive, send)
        return
    headers = [*response.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    remaining = _MAX_DISCARDED_BODIES * limits.body_bytes
    try:
        async with asyncio.timeout(limits.body_seconds):
            while remaining > 0:
                message = await receive()
                remaining -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        pass
    await send({"type": "http.response.body"})


class _DisconnectedError(Exception):
    """The client left before its body had arrived."""


def _stop_at_end(receive: Receive) -> Receive:
    """Return a `receive` that repeats the body's end forever instead of waiting for the next event."""
    end: Message = {"type": "http.request", "body": b"", "more_body": False}
    has_ended = False

    async def receive_body() -> Message:
        nonlocal has_ended
        message = end if has_ended else await receive()
        has_ended = not message.get("more_body", False)
        return message

    return receive_body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body first, then the later events: that the client disconnects."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return unread.pop() if unread else await receive()

    return receive_replayed
