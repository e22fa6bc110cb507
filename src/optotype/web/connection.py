"""Limits of a connection, from its first byte on: before a request is complete, and while a response waits.

ASGI middleware runs only when a request's headers are complete. Until then uvicorn waits forever, httptools keeps any
number of headers of any length, and uvicorn queues all requests that one read brings. So this module limits the time
for headers and for a connection's first bytes, their size and number, the requests queued in one connection, and the
connections. It also limits the time in which a client must read a response: until then the server keeps the response in
memory, with everything that the application holds for it.

`optotype.web.uvicorn_protocol` connects this policy to uvicorn.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Literal, Protocol

from optotype.web.guard import SECURITY_HEADERS
from optotype.web.limits import Limits
from optotype.web.problems import RETRY_AFTER_1_SECOND, problem

MAX_HEADERS: Final = 100
"""Headers of one request; the default of gunicorn's `limit_request_fields`."""
_MAX_QUEUED_REQUESTS: Final = 16
"""Requests of one connection that wait for the response to the request before them (HTTP pipelining)."""
_LINGER_SECONDS: Final = 1.0
"""Time for the client to read why the connection closes; bytes that arrive meanwhile are discarded."""
_LAST_REQUEST_SECONDS: Final = 0.25
"""Time in which an idle connection may still bring a request when the server stops."""
_INVALID_REQUEST: Final = (400, "The request is not valid HTTP for this server. Send HTTP/1.1.")

Headers = list[tuple[bytes, bytes]]


class RejectedError(Exception):
    """Raised in a parser callback to stop the parser; the connection is then rejected."""


class PendingRequest(Protocol):
    """A request without a complete response."""

    @property
    def has_response_started(self) -> bool:
        """Whether bytes of the response have been sent."""

    def close_afterwards(self) -> None:
        """Close the connection after the response."""

    def disconnect(self) -> None:
        """Notify the application that the client is gone."""


class ConnectionPolicy:
    """State and limits of one connection.

    A request head is the request line and the headers.

    Args:
        limits: The server's limits.
        transport: The connection.
        resume_reading: Resumes reading if it was paused.

    Attributes:
        phase: What the next bytes belong to: a "head", a "body", nothing yet ("idle", after a complete request), or
            nothing any more ("closing").
    """

    def __init__(
        self, limits: Limits, transport: asyncio.Transport, resume_reading: Callable[[], None]
    ) -> None:
        self._limits = limits
        self._transport = transport
        self._resume_reading = resume_reading
        self._loop = asyncio.get_running_loop()
        self.phase: Literal["head", "body", "idle", "closing"] = "head"
        self._has_head_started = False
        self._is_stopping = False
        self._unproductive_bytes = 0
        self._rejection = _INVALID_REQUEST
        self._header_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._pending: deque[PendingRequest] = deque()

    def open(self, connections: int) -> None:
        """Wait for a request, or reject the connection if there are too many.

        Args:
            connections: The number of open connections, this one included.
        """
        excess = connections - self._limits.connections
        if excess > self._limits.connections:
            # Rejected connections stay open for their response; by now there are too many of them.
            self._transport.abort()
        elif excess > 0:
            self._reject(503, "The server has reached its maximum number of connections. Retry in 1 second.")
        else:
            self._update_header_timer()

    def lose(self) -> None:
        """Stop all timers and notify the application of every pending request."""
        self.phase = "closing"
        self._update_header_timer()
        self.stop_write_timer()
        self._disconnect_pending()

    def begin_data(self, size: int) -> bool:
        """Count received bytes; return whether they should be parsed."""
        if self.phase == "closing":
            return False
        if self.phase == "idle":
            self.phase = "head"
        self._unproductive_bytes += size
        return True

    def end_data(self, headers: int) -> None:
        """Check the size of an incomplete head, or of chunk extensions and trailers, after bytes were parsed."""
        if self.phase in {"head", "body"} and self._is_too_large(self._unproductive_bytes, headers):
            self.reject_data()
        self._update_header_timer()

    def begin_head(self) -> None:
        """Start a head whose first byte arrived."""
        self.phase, self._has_head_started = "head", True

    def check_head(self, target: bytes, headers: Headers, *, asks_upgrade: bool) -> None:
        """Check a complete head, and replace the Host header if the request target is an absolute URL.

        Raises:
            RejectedError: If it is too large, has a body and asks for another protocol, or too many requests wait.
        """
        size = len(target) + sum(len(name) + len(value) for name, value in headers)
        if self._is_too_large(size, len(headers)):
            raise RejectedError
        if len(self._pending) > _MAX_QUEUED_REQUESTS:
            raise RejectedError
        if asks_upgrade and any(name in {b"content-length", b"transfer-encoding"} for name, _ in headers):
            # httptools would treat this body as another protocol's first bytes, and what follows as a request.
            message = "A request with a body asks for another protocol. Send it without the Upgrade header."
            self._rejection = 400, message
            raise RejectedError
        scheme, separator, rest = target.partition(b"://")
        if separator and b"/" not in scheme:
            # For a target in absolute form its authority counts, not the Host header (RFC 9112, section 3.2.2).
            headers[:] = [header for header in headers if header[0] != b"host"]
            headers.append((b"host", rest.partition(b"/")[0]))

    def end_head(self, request: PendingRequest, *, asks_upgrade: bool) -> None:
        """Add a request whose head was accepted."""
        self._pending.append(request)
        self.phase, self._unproductive_bytes = "body", 0
        if asks_upgrade or self._is_stopping:
            request.close_afterwards()

    def receive_body(self) -> None:
        """Reset the byte count: only bytes that contribute nothing to a body are limited here."""
        self._unproductive_bytes = 0

    def end_request(self) -> None:
        """Wait for the next request."""
        self.phase, self._has_head_started, self._unproductive_bytes = "idle", False, 0

    def end_response(self) -> None:
        """Remove the oldest pending request, whose response is complete."""
        self._pending.popleft()

    def stop(self) -> None:
        """Close after the pending responses, and after a request whose first bytes are arriving now."""
        self._is_stopping = True
        if self._pending:
            self._pending[-1].close_afterwards()
        else:
            self._loop.call_later(_LAST_REQUEST_SECONDS, self._close_if_unused)

    def _close_if_unused(self) -> None:
        """Close unless a request has arrived; an incomplete head has its own time limit."""
        if not (self._pending or self._has_head_started or self.phase == "closing"):
            self._transport.close()

    def start_write_timer(self) -> None:
        """Abort the connection if the client does not read in time."""
        if self._write_timer is None:
            self._write_timer = self._loop.call_later(self._limits.write_seconds, self._transport.abort)

    def stop_write_timer(self) -> None:
        """Cancel the write timer."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def reject_data(self) -> None:
        """Reject bytes that cannot be parsed or exceed a limit; complete requests get their responses first."""
        if self.phase != "body" and self._pending:
            self.phase = "closing"
            self._pending[-1].close_afterwards()
            return
        # An error response would then be taken for the response to another request.
        is_ambiguous = len(self._pending) > 1 or any(
            request.has_response_started for request in self._pending
        )
        self._disconnect_pending()
        if is_ambiguous:
            self.phase = "closing"
            self._transport.close()
        else:
            self._reject(*self._rejection)

    def _disconnect_pending(self) -> None:
        for request in self._pending:
            request.disconnect()

    def _is_too_large(self, size: int, headers: int) -> bool:
        if size <= self._limits.header_bytes and headers <= MAX_HEADERS:
            return False
        message = (
            f"The request line and headers exceed {self._limits.header_bytes} bytes or {MAX_HEADERS} headers. Send"
            " fewer and shorter headers; large content belongs in the body."
        )
        self._rejection = 431, message
        return True

    def _reject(self, status: int, detail: str) -> None:
        """Respond to a connection without pending requests, and close it when the client could read the response.

        If it closed at once with unread bytes, it would be reset, and a reset can overtake the response (RFC 9112,
        section 9.6).
        """
        self.phase = "closing"
        self._update_header_timer()
        self._resume_reading()
        self._transport.write(_format_response(status, detail))
        self._transport.write_eof()
        self._loop.call_later(_LINGER_SECONDS, self._transport.close)

    def _update_header_timer(self) -> None:
        """Run the header timer while a head is incomplete, and only then."""
        if self.phase == "head" and self._header_timer is None:
            self._header_timer = self._loop.call_later(self._limits.header_seconds, self._end_header_time)
        elif self.phase != "head" and self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _end_header_time(self) -> None:
        self._header_timer = None
        if self._pending:
            self._update_header_timer()  # a client that waits for a response gets more time for its next request
        elif self._has_head_started:
            self._reject(
                408,
                f"The request's headers took more than {self._limits.header_seconds:g} seconds. Send them at once.",
            )
        else:
            self._transport.close()


def _format_response(status: int, detail: str) -> bytes:
    """Return a complete HTTP response, after which the connection closes."""
    retry = RETRY_AFTER_1_SECOND if status == 503 else {}
    response = problem(status, detail, {"Connection": "close", **retry})
    status_line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    headers = b"".join(b"%s: %s\r\n" % header for header in (*response.raw_headers, *SECURITY_HEADERS))
    return status_line + headers + b"\r\n" + bytes(response.body)
