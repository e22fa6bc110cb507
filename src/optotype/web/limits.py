"""What one server takes on at most, and the middleware that holds requests' bodies to it.

Bodies are read here, whole, before the application is asked: every use of one needs it whole, so nothing is lost, and
the application never meets a body that is too large, too slow or cut off. (Starlette's RequestBodyLimitMiddleware
knows the size only: neither time nor the sum of all bodies.)
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optotype.web.problems import SOON, problem

_DRAINED: Final = 4
"""Times the limit of one body: how much more is read and dropped, for the client to read why it was refused."""


@dataclass(frozen=True)
class Limits:
    """What one server takes on at most.

    Attributes:
        body_bytes: Of one request's body.
        held_bytes: Of the bodies of all requests that are being read or answered.
        read_seconds: For a body to arrive.
        header_seconds: For a request's line and headers to arrive.
        header_bytes: Of a request's line and headers.
        write_seconds: In which a client must read some of an answer that is waiting for it.
        connections: That are open at once.
        images: In one request.
        pixels: Of one picture; those of one request may have 16 times as many together (`bodies`).
        waiting: Images in the queue, over all requests.
        requests: To /v1 that are answered at once.
    """

    body_bytes: int = 16 * 2**20
    held_bytes: int = 256 * 2**20
    read_seconds: float = 10.0
    header_seconds: float = 10.0
    header_bytes: int = 32 * 2**10
    write_seconds: float = 60.0
    connections: int = 1024
    images: int = 1024
    pixels: int = 32_000_000
    waiting: int = 1024
    requests: int = 128


class BodyLimits:
    """ASGI middleware: hands on only requests whose body has arrived, in time and within the limits.

    Refused are bodies with a senseless Content-Length (400), longer than ``body_bytes`` (413, at once where their
    length is announced), not there after ``read_seconds`` (408), and those for which ``held_bytes`` has no room left
    (503). After each of them the connection closes.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then ask the application; or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, content = bytearray(), b""  # what is held is in one of the two
        arriving = _arriving(receive)
        try:
            refusal = self._announced(scope) or await self._read(body, arriving)
            if refusal is not None:
                self._held -= len(body)
                body.clear()
                await refuse(refusal, scope, arriving, send, self._limits)
            else:
                content, body = bytes(body), bytearray()
                await self._app(scope, _replayed(content, receive), send)
        except _DisconnectedError:
            pass  # nobody is left to answer
        finally:
            self._held -= len(body) + len(content)

    def _announced(self, scope: Scope) -> Response | None:
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if not lengths:
            return None
        if len(lengths) > 1 or not lengths[0].isdigit():
            return problem(400, f"Content-Length is {b', '.join(lengths)!r}, expected one whole number.")
        # Compared by the number of digits first: int() refuses what has thousands of them.
        digits = lengths[0].lstrip(b"0")
        if len(digits) > 18 or int(digits or b"0") > self._limits.body_bytes:
            return self._too_large()
        return None

    async def _read(self, body: bytearray, receive: Receive) -> Response | None:
        """Read the body; gives the refusal if there is one."""
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _DisconnectedError
                    chunk = message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) + len(chunk) > self._limits.body_bytes:
                        return self._too_large()
                    if self._held + len(chunk) > self._limits.held_bytes:
                        return problem(
                            503,
                            f"The server holds as many bytes of requests as it may, {self._limits.held_bytes}."
                            " Ask again in a second.",
                            SOON,
                        )
                    body += chunk
                    self._held += len(chunk)
        except TimeoutError:
            return problem(
                408,
                f"{len(body)} bytes of the body arrived in {self._limits.read_seconds:g} seconds, expected all of it."
                " Send it faster, or in smaller requests.",
            )
        return None

    def _too_large(self) -> Response:
        return problem(
            413, f"The body is longer than {self._limits.body_bytes} bytes. Send fewer or smaller pictures."
        )


async def refuse(response: Response, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
    """Answer a request whose body has not been read, and close the connection if there is one.

    A connection closed with bytes unread is reset, and a reset can overtake the answer (RFC 9112, section 9.6). So the
    whole answer is sent, what still arrives is read and dropped for a while, and only then is the response ended.

    Args:
        response: What to say.
        scope: Of the request.
        receive: Of the request.
        send: Of the request.
        limits: How long a body may take, and a quarter of what is dropped at most.
    """
    names = {name for name, _ in scope["headers"]}
    if names.isdisjoint({b"content-length", b"transfer-encoding"}):
        await response(scope, receive, send)
        return
    headers = [*response.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    left = _DRAINED * limits.body_bytes
    try:
        async with asyncio.timeout(limits.read_seconds):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        pass
    await send({"type": "http.response.body"})


class _DisconnectedError(Exception):
    """The client left before its body was there."""


def _arriving(receive: Receive) -> Receive:
    """Give the body; at its end not what comes after it but the end, as often as asked."""
    end: Message = {"type": "http.request", "body": b"", "more_body": False}
    ended = False

    async def arrive() -> Message:
        nonlocal ended
        message = end if ended else await receive()
        ended = not message.get("more_body", False)
        return message

    return arrive


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body first, then whatever else happens: that the client leaves."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    return replay
