"""An open-loop load generator: requests arrive at a given rate, whether or not earlier ones have been answered.

wrk is a closed loop: it sends a request only after the previous response, so it cannot exceed the server's capacity.
This generator follows each request to its end, so it detects requests without a response and with two responses.
"""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final, cast
from urllib.parse import urlsplit

import uvloop

_POLL_SECONDS: Final = 0.002
_TIMEOUT_SECONDS: Final = 30.0
"""Time for the last responses after all requests have been sent."""
_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after: *\d", re.IGNORECASE)
_CONNECTION_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass
class RequestCounts:
    """Requests and responses of a load.

    Attributes:
        seconds: Time in which requests were sent.
        sent: Number of requests.
        responses: Number of responses of each status.
        without_response: Requests whose connection failed or ended, or that timed out.
        unexpected: Responses without a request: a second one, or one longer than its Content-Length.
        without_retry_after: Responses 429 and 503 without a Retry-After header.
    """

    seconds: float = 0.0
    sent: int = 0
    responses: Counter[int] = field(default_factory=Counter)
    without_response: int = 0
    unexpected: int = 0
    without_retry_after: int = 0

    @property
    def rate(self) -> float:
        """Requests sent per second."""
        return self.sent / self.seconds

    @property
    def pending(self) -> int:
        """Requests that wait for their response."""
        return self.sent - self.responses.total() - self.without_response


def send_at_rate(
    url: str, contents: Sequence[bytes], rate: float, seconds: float, connections: int
) -> RequestCounts:
    """Send images at a rate, each over a free connection or a new one.

    Args:
        url: The URL of the POST requests.
        contents: Contents of PNG files, sent in turn.
        rate: Requests per second.
        seconds: Duration.
        connections: Maximum number of open connections; while all are in use, requests are delayed.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_LoadGenerator(url, contents, connections).run(rate, seconds))


class _LoadGenerator:
    """Open connections and the requests sent over them."""

    def __init__(self, url: str, contents: Sequence[bytes], connections: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: image/png\r\nContent-Length: "
        requests = [f"{head}{len(content)}\r\n\r\n".encode() + content for content in contents]
        self._requests = cycle(requests)
        self._max_connections = connections
        self._opening: set[asyncio.Task[None]] = set()
        self.counts = RequestCounts()
        self.connections: set[_Connection] = set()
        self.free: deque[_Connection] = deque()

    async def run(self, rate: float, seconds: float) -> RequestCounts:
        """Send requests, then wait for the last responses."""
        clock = asyncio.get_running_loop().time
        start = clock()
        while (elapsed := clock() - start) < seconds:
            while self.counts.sent < rate * elapsed and self._send(next(self._requests)):
                pass
            await asyncio.sleep(_POLL_SECONDS)
        self.counts.seconds = clock() - start
        end = clock()
        while self.counts.pending and clock() - end < _TIMEOUT_SECONDS:  # noqa: ASYNC110 - polling is precise enough
            await asyncio.sleep(_POLL_SECONDS)
        self.counts.without_response += self.counts.pending
        for task in self._opening:
            task.cancel()
        for connection in self.connections:
            connection.abort()
        while self.connections:  # noqa: ASYNC110 - as above
            await asyncio.sleep(_POLL_SECONDS)
        return self.counts

    def _send(self, request: bytes) -> bool:
        """Send a request; return whether a connection was available."""
        if self.free:
            self.free.popleft().send(request)
        elif len(self.connections) + len(self._opening) < self._max_connections:
            task = asyncio.create_task(self._connect(request))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            return False
        self.counts.sent += 1
        return True

    async def _connect(self, request: bytes) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except OSError:
            self.counts.without_response += 1
        else:
            connection.send(request)


class _Connection(asyncio.Protocol):
    """A connection with at most one pending request."""

    def __init__(self, generator: _LoadGenerator) -> None:
        self._generator = generator
        self._received = bytearray()
        self._is_waiting = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport does not inherit from asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)
        self._generator.connections.add(self)

    def send(self, request: bytes) -> None:
        """Send a request and wait for its response."""
        self._is_waiting = True
        self._transport.write(request)

    def abort(self) -> None:
        """Close the connection without waiting for a response."""
        self._is_waiting = False
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        length = _CONTENT_LENGTH.search(self._received, 0, end) if end > 3 else None
        if length is None or len(self._received) < end + int(length[1]):
            return
        counts, head = self._generator.counts, bytes(self._received[:end])
        del self._received[: end + int(length[1])]
        status = int(head[9:12])
        if self._is_waiting:
            counts.responses[status] += 1
            counts.without_retry_after += status in {429, 503} and _RETRY_AFTER.search(head) is None
        is_unexpected = not self._is_waiting or bool(self._received)
        counts.unexpected += is_unexpected
        self._is_waiting = False
        if is_unexpected or _CONNECTION_CLOSE.search(head):
            self._transport.close()
        else:
            self._generator.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason does not matter
        self._generator.connections.discard(self)
        self._generator.counts.without_response += self._is_waiting
        self._is_waiting = False
        with suppress(ValueError):
            self._generator.free.remove(self)
