"""Limits on request bodies."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from optotype.web.limits import BodyLimits, Limits
from tests.web.http_server import TIMEOUT_SECONDS, connect, exchange, parse_status, read_all, run_server

LIMITS = Limits(body_bytes=100, total_body_bytes=250, body_seconds=TIMEOUT_SECONDS)
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    """Respond with the body."""
    message = await receive()
    assert not message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


class Request:
    """A request to an ASGI application, and the response to it.

    Attributes:
        scope: The request's scope.
        incoming: The messages that have not been received yet.
        response: The messages of the response.
        is_gone: Set when the client disconnects.
        receive_calls: The number of calls of `receive`.
    """

    def __init__(self, *chunks: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
        self.incoming: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
            for index, chunk in enumerate(chunks)
        ]
        self.response: list[Any] = []
        self.is_gone = asyncio.Event()
        self.receive_calls = 0

    async def receive(self) -> Message:
        """Return the next message, or wait until the client disconnects."""
        self.receive_calls += 1
        if not self.incoming:
            await self.is_gone.wait()
            return {"type": "http.disconnect"}
        await asyncio.sleep(0)
        return self.incoming.pop(0)

    async def send(self, message: Message) -> None:
        """Add a message to the response."""
        self.response.append(message)

    async def run(self, app: BodyLimits) -> int:
        """Call the application; return the response's status, 0 if there is no response."""
        await app(self.scope, self.receive, self.send)
        return self.response[0]["status"] if self.response else 0

    @property
    def detail(self) -> str:
        """The detail of an error response."""
        return str(json.loads(self.response[1]["body"])["detail"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The response's headers."""
        return dict(self.response[0]["headers"])


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_body_arrives_in_one_piece(chunks: list[bytes]) -> None:
    """The application gets a body of any number of chunks in one message; its bytes are not counted afterwards."""
    app, request = BodyLimits(echo, LIMITS), Request(*chunks)
    assert asyncio.run(request.run(app)) == 200
    assert request.response[1]["body"] == b"".join(chunks)
    assert app._total_bytes == 0


def test_disconnect_is_forwarded_after_the_body() -> None:
    """The application is told that the client disconnected, after it received the body."""
    received = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        received.extend([(await receive())["type"], (await receive())["type"]])

    request = Request(b"x")
    request.is_gone.set()
    asyncio.run(request.run(BodyLimits(app, LIMITS)))
    assert received == ["http.request", "http.disconnect"]


def test_client_that_leaves_within_its_body() -> None:
    """If the client leaves before its body is complete, the application is not called and no bytes stay counted."""
    request = Request(b"abc", b"")
    request.incoming.pop()
    request.is_gone.set()
    app = BodyLimits(echo, LIMITS)
    assert asyncio.run(request.run(app)) == 0
    assert app._total_bytes == 0


@pytest.mark.parametrize("length", [b"", b"-1", b"+1", b"1.0", b"0x1", b"1, 1", b" 1", b"\xd9\xa1"])
def test_invalid_content_length_gets_400(length: bytes) -> None:
    """A Content-Length that is not a whole number gives 400, and the message names it."""
    request = Request(b"", headers=[(b"content-length", length)])
    assert asyncio.run(request.run(BodyLimits(echo, LIMITS))) == 400
    assert repr(length) in request.detail


def test_two_content_lengths_get_400() -> None:
    """Two Content-Length headers give 400, even if they are equal."""
    request = Request(b"x", headers=[(b"content-length", b"1")] * 2)
    assert asyncio.run(request.run(BodyLimits(echo, LIMITS))) == 400


@pytest.mark.parametrize("length", [b"101", b"9" * 5000])
def test_announced_large_body_is_rejected_unread(length: bytes) -> None:
    """A body whose announced length is too large gives 413 before it is read, and then the connection closes."""
    request = Request(b"x", headers=[(b"content-length", length)])
    app = BodyLimits(echo, LIMITS)
    sent = []

    async def send(message: Message) -> None:
        sent.append((message["type"], request.receive_calls))
        await Request.send(request, message)

    request.send = send  # type: ignore[method-assign]
    assert asyncio.run(request.run(app)) == 413
    assert sent[:2] == [("http.response.start", 0), ("http.response.body", 0)]
    assert request.headers[b"connection"] == b"close"
    assert "100 bytes" in request.detail


@pytest.mark.parametrize(("last", "status"), [(1, 200), (2, 413)])
def test_large_body_without_a_length_is_rejected(last: int, status: int) -> None:
    """A body without Content-Length is accepted up to the limit; one byte more gives 413."""
    request = Request(b"x" * 99, b"x" * last, headers=[(b"transfer-encoding", b"chunked")])
    app = BodyLimits(echo, LIMITS)
    assert asyncio.run(request.run(app)) == status
    assert app._total_bytes == 0


def test_slow_body_gets_408() -> None:
    """A body that is not complete in time gives 408 with the bytes that arrived, and the connection closes."""
    request = Request(b"abc", b"", headers=[(b"content-length", b"30")])
    request.incoming.pop()
    assert asyncio.run(request.run(BodyLimits(echo, Limits(body_seconds=0.01)))) == 408
    assert "3 bytes" in request.detail
    assert "0.01 seconds" in request.detail
    assert request.headers[b"connection"] == b"close"


def test_total_body_bytes_are_limited() -> None:
    """A body beyond the total limit gives 503; when other requests have ended, there is room again."""

    async def run() -> None:
        release = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await release.wait()
            await echo(scope, receive, send)

        limited = BodyLimits(app, LIMITS)
        running = [asyncio.create_task(Request(b"x" * 100).run(limited)) for _ in range(2)]
        while limited._total_bytes < 200:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        small, large = Request(b"x" * 50), Request(b"x" * 25, b"x" * 26)
        assert await large.run(limited) == 503
        assert large.headers[b"retry-after"] == b"1"
        last = asyncio.create_task(small.run(limited))
        release.set()
        assert await asyncio.gather(*running, last) == [200, 200, 200]
        assert limited._total_bytes == 0

    asyncio.run(asyncio.wait_for(run(), TIMEOUT_SECONDS))


def test_failed_requests_free_their_bytes() -> None:
    """If the application raises, the body's bytes are no longer counted."""

    async def app(*_: object) -> None:
        raise ZeroDivisionError

    limited = BodyLimits(app, LIMITS)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Request(b"abc").run(limited))
    assert limited._total_bytes == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_client_that_keeps_sending_reads_the_rejection(*, chunked: bool) -> None:
    """A client that sends its complete large body before it reads gets 413 and no connection reset."""
    limits, body = replace(LIMITS, body_bytes=1_000_000, total_body_bytes=9_000_000), b"x" * 3_900_000
    header = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    with run_server(BodyLimits(echo, limits), limits) as server:
        for _ in range(5):
            response = exchange(server.port, POST + header + b"\r\n\r\n" + content)
            assert parse_status(response) == 413


def test_rejection_does_not_wait_for_the_body() -> None:
    """A client that announces a large body and sends none of it reads 413; then the connection closes."""
    limits = Limits(body_bytes=100, body_seconds=0.1)
    with run_server(BodyLimits(echo, limits), limits) as server, connect(server.port) as client:
        client.sendall(POST + b"Content-Length: 101\r\nExpect: 100-continue\r\n\r\n")
        assert parse_status(read_all(client)) == 413


def test_incomplete_body_closes_the_connection() -> None:
    """A client whose body does not arrive reads 408, and the connection closes."""
    limits = Limits(body_seconds=0.1)
    with run_server(BodyLimits(echo, limits), limits) as server:
        assert parse_status(exchange(server.port, POST + b"Content-Length: 101\r\n\r\nabc")) == 408
