"""uvicorn's HTTP/1.1 over httptools, with limits on what comes before a request is complete.

An ASGI middleware is asked once the headers are there. Until then uvicorn 0.54 waits for ever, httptools keeps any
number of headers of any length, and whatever of requests one read brings is queued. So here: time for the headers and
for a connection's first bytes, their size and number, the requests queued in one connection, and the connections. And
time for reading an answer, without which it is kept, and with it all that the application holds.

What is relied on: the callbacks of httptools and asyncio that are extended below, `on_response_complete`,
`timeout_keep_alive_handler` and `send_400_response`; the attributes transport, flow, loop, connections, parser,
headers, url and cycle; of a cycle disconnected, message_event, response_started and keep_alive.
`tests/web/test_protocol.py` tells of a version of uvicorn in which these mean something else.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import ClassVar, Final, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from optotype.web.guard import HEADERS
from optotype.web.limits import Limits
from optotype.web.problems import SOON, problem

_FIELDS: Final = 100
"""Headers of one request, as gunicorn's `limit_request_fields`."""
_QUEUED: Final = 16
"""Requests that wait for the answer to the one before, in one connection."""
_LINGER: Final = 1.0
"""Seconds for the client to read why the connection closes; bytes that arrive meanwhile are dropped."""
_LAST_CALL: Final = 0.25
"""Seconds in which an idle connection may still bring a request when the server stops."""
_INVALID: Final = (400, "The request is no HTTP that this server understands. Send HTTP/1.1.")


class _RefusedError(Exception):
    """Thrown out of one of httptools' callbacks, to stop it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection; made by uvicorn through a subclass that `bounded` gives.

    A head is a request's line and headers. `_part` is what the next bytes belong to: a head, a body, nothing yet
    ("idle", after a whole request), or nothing any more ("over", the connection is about to close). `_open` holds the
    requests that are not answered yet, in their order.
    """

    limits: ClassVar[Limits]

    _part: Literal["head", "body", "idle", "over"] = "head"
    _begun = False
    _stopping = False
    _fruitless = 0
    _fault = _INVALID
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for a request, or refuse the connection."""
        self._open: deque[RequestResponseCycle] = deque()
        super().connection_made(transport)
        excess = len(self.connections) - self.limits.connections
        if excess > self.limits.connections:
            transport.abort()  # those refused with an answer stay open for it, and are too many by now
        elif excess > 0:
            self._refuse(503, "The server has as many connections as it may. Try again in a second.")
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request; uvicorn tells only the last of several."""
        self._part = "over"
        self._watch()
        self._read_by_now()
        self._abandon()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and see that it leads somewhere."""
        if self._part == "over":
            return
        if self._part == "idle":
            self._part = "head"
        self._fruitless += len(data)
        super().data_received(data)
        if self._part in {"head", "body"} and self._too_large(self._fruitless):
            self.send_400_response("")
        self._watch()

    def on_message_begin(self) -> None:
        """Begin a head, which has brought at least a byte."""
        super().on_message_begin()
        self._part, self._begun = "head", True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. After a body it would be a trailer, which may be dropped (RFC 9110, section 6.5.1)."""
        if self._part == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on, if its head is as it should be."""
        if self._too_large(len(self.url) + sum(len(name) + len(value) for name, value in self.headers)):
            raise _RefusedError
        if len(self._open) > _QUEUED:
            raise _RefusedError
        upgrade = self.parser.should_upgrade()
        if upgrade and any(name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers):
            # httptools would take this body for another protocol's first bytes, and what follows for a request.
            self._fault = 400, "A request with a body asks for another protocol. Send it without Upgrade."
            raise _RefusedError
        target, found, rest = self.url.partition(b"://")
        if found and b"/" not in target:
            # The absolute form: its authority counts, and not the Host header (RFC 9112, section 3.2.2).
            self.headers[:] = [header for header in self.headers if header[0] != b"host"]
            self.headers.append((b"host", rest.partition(b"/")[0]))
        super().on_headers_complete()
        self._open.append(self.cycle)
        self._part, self._fruitless = "body", 0
        if upgrade or self._stopping:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Count from here again: only bytes that bring none of a body are suspect."""
        self._fruitless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Be ready for another request."""
        super().on_message_complete()
        self._part, self._begun, self._fruitless = "idle", False, 0

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        self._open.popleft()
        super().on_response_complete()
        if self.transport.is_closing():
            self._read_soon()

    def shutdown(self) -> None:
        """Answer what is under way, a request whose first bytes are on their way now too, and close."""
        self._stopping = True
        if self._open:
            self._open[-1].keep_alive = False
        else:
            self.loop.call_later(_LAST_CALL, self._close_unasked)

    def _close_unasked(self) -> None:
        """Close, unless a request has come after all; one whose head is incomplete has its time for that."""
        if not (self._open or self._begun or self._part == "over"):
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, in which nothing more is asked."""
        super().timeout_keep_alive_handler()
        self._read_soon()

    def pause_writing(self) -> None:
        """Let the application wait, for a while."""
        super().pause_writing()
        self._read_soon()

    def resume_writing(self) -> None:
        """Let the application go on."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._read_by_now()

    def _read_soon(self) -> None:
        """Cut the connection off if the client has not read on by then."""
        if self._unread is None:
            self._unread = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def _read_by_now(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence, which says less than ours
        """Refuse what cannot be read, or was stopped; requests that are complete are answered first."""
        if self._part != "body" and self._open:
            self._part, self._open[-1].keep_alive = "over", False
            return
        broken = len(self._open) > 1 or any(cycle.response_started for cycle in self._open)
        self._abandon()
        if broken:
            self._part = "over"
            self.transport.close()  # an answer now would be taken for that of another request
        else:
            self._refuse(*self._fault)

    def _abandon(self) -> None:
        """Tell the application that the client is gone."""
        for cycle in self._open:
            cycle.disconnected = True
            cycle.message_event.set()

    def _too_large(self, size: int) -> bool:
        fields = len(self.headers or ())
        if size <= self.limits.header_bytes and fields <= _FIELDS:
            return False
        said = f"The request's line and headers are more than {self.limits.header_bytes} bytes or {_FIELDS} headers."
        self._fault = 431, f"{said} Send less of them; what is large belongs into the body."
        return True

    def _refuse(self, status: int, detail: str) -> None:
        """Answer a connection in which no request is under way, and close it when the answer can have been read.

        Closed at once it would be reset where bytes are unread, and a reset can overtake the answer (RFC 9112, 9.6).
        """
        self._part = "over"
        self._watch()
        self.flow.resume_reading()
        self.transport.write(_answer(status, detail))
        self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)

    def _watch(self) -> None:
        """Let a timer run while a head is incomplete, and only then."""
        if self._part == "head" and self._timer is None:
            self._timer = self.loop.call_later(self.limits.header_seconds, self._expired)
        elif self._part != "head" and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> None:
        self._timer = None
        if self._open:
            self._watch()  # who waits for an answer may take longer over the next request
        elif self._begun:
            self._refuse(
                408,
                f"The request's headers took longer than {self.limits.header_seconds:g} seconds. Send them at once.",
            )
        else:
            self.transport.close()


def bounded(limits: Limits) -> type[BoundedProtocol]:
    """Give the protocol with these limits, for ``uvicorn.Config(http=..., ws="none")``, which takes a class."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits})


def _answer(status: int, detail: str) -> bytes:
    """Give a whole response, after which the connection closes."""
    response = problem(status, detail, {"Connection": "close", **(SOON if status == 503 else {})})
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    headers = b"".join(b"%s: %s\r\n" % header for header in (*response.raw_headers, *HEADERS))
    return line + headers + b"\r\n" + bytes(response.body)
