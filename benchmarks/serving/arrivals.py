"""Requests that come at a given rate whether or not those before have been answered: an open loop.

wrk asks again only when it has been answered, so it can never ask for more than it gets. Here each request is followed
to its end, so that one that is never answered, and one that is answered twice, are both seen.
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

_PAUSE: Final = 0.002
_PATIENCE: Final = 30.0
"""Seconds that the last requests may take after all have been sent."""
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY: Final = re.compile(rb"\r\nretry-after: *\d", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass
class Tally:
    """What became of the requests.

    Attributes:
        seconds: For how long they were sent.
        sent: How many were.
        answers: How many answers there were of each status.
        unanswered: Requests whose connection ended, or could not be had, or that waited too long.
        unasked: Answers to no request: a second one, or a longer one than it said.
        unexplained: Of the answers 429 and 503, how many did not say when to ask again.
    """

    seconds: float = 0.0
    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    unasked: int = 0
    unexplained: int = 0

    @property
    def rate(self) -> float:
        """Requests sent a second."""
        return self.sent / self.seconds

    @property
    def open(self) -> int:
        """Requests that wait for their answer."""
        return self.sent - self.answers.total() - self.unanswered


def offer(url: str, contents: Sequence[bytes], rate: float, seconds: float, connections: int) -> Tally:
    """Send pictures at a rate, each over a connection that is free, or a new one.

    Args:
        url: Where they are sent, by POST.
        contents: Of PNG files, sent in turn.
        rate: Requests a second.
        seconds: For how long.
        connections: How many may be open at once: while all are taken, requests are late.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Arrivals(url, contents, connections).run(rate, seconds))


class _Arrivals:
    """The connections, and what goes over them."""

    def __init__(self, url: str, contents: Sequence[bytes], connections: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: image/png\r\nContent-Length: "
        requests = [f"{head}{len(content)}\r\n\r\n".encode() + content for content in contents]
        self._requests = cycle(requests)
        self._most = connections
        self._opening: set[asyncio.Task[None]] = set()
        self.tally = Tally()
        self.connections: set[_Connection] = set()
        self.free: deque[_Connection] = deque()

    async def run(self, rate: float, seconds: float) -> Tally:
        """Send, then wait for the last answers."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while (passed := clock() - began) < seconds:
            while self.tally.sent < rate * passed and self._send(next(self._requests)):
                pass
            await asyncio.sleep(_PAUSE)
        self.tally.seconds = clock() - began
        ended = clock()
        while self.tally.open and clock() - ended < _PATIENCE:  # noqa: ASYNC110 - now and then is often enough
            await asyncio.sleep(_PAUSE)
        self.tally.unanswered += self.tally.open
        for task in self._opening:
            task.cancel()
        for connection in self.connections:
            connection.leave()
        while self.connections:  # noqa: ASYNC110 - the same
            await asyncio.sleep(_PAUSE)
        return self.tally

    def _send(self, request: bytes) -> bool:
        """Send a request; says whether there was a connection for it."""
        if self.free:
            self.free.popleft().ask(request)
        elif len(self.connections) + len(self._opening) < self._most:
            task = asyncio.create_task(self._connect(request))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            return False
        self.tally.sent += 1
        return True

    async def _connect(self, request: bytes) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except OSError:
            self.tally.unanswered += 1
        else:
            connection.ask(request)


class _Connection(asyncio.Protocol):
    """One connection, with at most one request on it."""

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = arrivals
        self._received = bytearray()
        self._waits = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one without saying so.
        self._transport = cast("asyncio.Transport", transport)
        self._arrivals.connections.add(self)

    def ask(self, request: bytes) -> None:
        """Send a request, whose answer is then waited for."""
        self._waits = True
        self._transport.write(request)

    def leave(self) -> None:
        """Close it, whatever it waits for."""
        self._waits = False
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(self._received, 0, end) if end > 3 else None
        if length is None or len(self._received) < end + int(length[1]):
            return
        tally, head = self._arrivals.tally, bytes(self._received[:end])
        del self._received[: end + int(length[1])]
        status = int(head[9:12])
        if self._waits:
            tally.answers[status] += 1
            tally.unexplained += status in {429, 503} and _RETRY.search(head) is None
        surplus = not self._waits or bool(self._received)
        tally.unasked += surplus
        self._waits = False
        if surplus or _CLOSE.search(head):
            self._transport.close()
        else:
            self._arrivals.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it ended
        self._arrivals.connections.discard(self)
        self._arrivals.tally.unanswered += self._waits
        self._waits = False
        with suppress(ValueError):
            self._arrivals.free.remove(self)
