"""Limits of a connection, tested with raw HTTP over a socket: malformed, slow and very large requests."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from optotype.web.limits import Limits
from tests.web.http_server import (
    TIMEOUT_SECONDS,
    RunningServer,
    connect,
    exchange,
    parse_status,
    read_all,
    run_server,
    wait_until,
)

LIMITS = Limits(
    header_bytes=4096,
    header_seconds=TIMEOUT_SECONDS,
    body_seconds=TIMEOUT_SECONDS,
    write_seconds=TIMEOUT_SECONDS,
    connections=8,
)
HEAD = b"GET /a HTTP/1.1\r\nHost: localhost\r\n"
GET = HEAD + b"\r\n"
GET_AND_CLOSE = HEAD + b"Connection: close\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MILLION = 1_000_000

INVALID = {  # raw request, expected status; 0 for a connection that closes without a response
    "two Content-Lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "two equal Content-Lengths": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list as Content-Length": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "Content-Length before chunked": (
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "Content-Length after chunked": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        400,
    ),
    "unknown transfer coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "negative Content-Length": (POST + b"Content-Length: -3\r\n\r\nabc", 400),
    "Content-Length of 30 digits": (POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nabc", 400),
    "folded header": (HEAD + b"X: a\r\n b\r\n\r\n", 400),
    "bare line feeds": (GET.replace(b"\r\n", b"\n"), 400),
    "space before the colon": (b"GET /a HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    "NUL byte": (HEAD + b"X: a\0b\r\n\r\n", 400),
    "invalid chunk size": (CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", 400),
    "chunk longer than its size": (CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n", 400),
    "chunk size of 20 digits": (CHUNKED + b"F" * 20 + b"\r\nabc\r\n0\r\n\r\n", 400),
    "huge chunk extension": (CHUNKED + b"3;a=" + b"x" * MILLION, 431),
    "huge trailer": (CHUNKED + b"3\r\nabc\r\n0\r\nX: " + b"x" * MILLION, 431),
    "a million trailers": (CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * MILLION, 431),
    "large header": (HEAD + b"X: " + b"y" * 4096 + b"\r\n\r\n", 431),
    "huge header": (HEAD + b"X: " + b"y" * MILLION, 431),
    "101 headers": (HEAD + b"X:y\r\n" * 100 + b"\r\n", 431),
    "a million headers": (HEAD + b"X:y\r\n" * MILLION, 431),
    "huge request target": (b"GET /" + b"a" * MILLION, 431),
    "a million empty lines": (b"\r\n" * MILLION, 431),
    "TLS handshake": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/9.9": (b"GET /a HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
    "unknown method": (b"BREW /a HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "CONNECT": (b"CONNECT evil:443 HTTP/1.1\r\nHost: evil\r\n\r\n", 400),
    "target that is not ASCII": (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "target without a path": (b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "Upgrade with a body": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
        400,
    ),
    "malformed body after a complete request": (GET + CHUNKED + b"zz\r\n", 0),
}
UNUSUAL = {
    "chunked body": CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    "chunked body with trailers": CHUNKED + b"3;a=b\r\nabc\r\n0\r\nHost: evil\r\nX: y\r\n\r\n",
    "HEAD": GET_AND_CLOSE.replace(b"GET", b"HEAD"),
    "TRACE": GET_AND_CLOSE.replace(b"GET", b"TRACE"),
    "OPTIONS": GET_AND_CLOSE.replace(b"GET /a", b"OPTIONS *"),
    "HTTP/1.0": b"GET /a HTTP/1.0\r\n\r\n",
    "Upgrade": HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + GET,
    "WebSocket": HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "escaped target": GET_AND_CLOSE.replace(b"/a", b"/%ff%00%0d%0a?%ff"),
    "garbage after the request": GET + b"GARBAGE\r\n\r\n",
}

FRAGMENTS = [
    GET,
    GET_AND_CLOSE,
    POST,
    HEAD,
    CHUNKED,
    b"\r\n",
    b"\n",
    b"Content-Length: 3\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n",
    b"X:",
    b" ",
]

requests: list[Scope] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and respond with its length; /wait responds after 0.05 s, /large with 50 MB."""
    requests.append(scope)
    length, has_more = 0, True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, has_more = length + len(message["body"]), message["more_body"]
    if scope["path"] == "/wait":
        await asyncio.sleep(0.05)
    parts = [b"x" * 1_000_000] * 50 if scope["path"] == "/large" else [b"%d" % length]
    headers = [(b"content-length", b"%d" % sum(map(len, parts)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    """A server with long time limits, for each event loop."""
    with run_server(app, LIMITS, request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def no_logged_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that no test logs an error: nothing that a client does is an error of the server."""
    requests.clear()
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == []


@pytest.mark.parametrize("name", INVALID)
def test_invalid_requests_are_rejected(name: str, server: RunningServer) -> None:
    """Invalid and endless requests get their status as problem+json, or no response; the server keeps working."""
    request, status = INVALID[name]
    response = exchange(server.port, request)
    assert parse_status(response) == status
    if status:
        assert b"connection: close" in response.lower()
        assert b"content-type: application/problem+json" in response
        assert b"x-content-type-options: nosniff" in response
    assert parse_status(exchange(server.port, GET_AND_CLOSE)) == 200


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_requests_are_accepted(name: str, server: RunningServer) -> None:
    """Unusual but valid requests reach the application once, without trailers, and the connection closes."""
    response = exchange(server.port, UNUSUAL[name])
    assert parse_status(response) == 200
    assert b"connection: close" in response
    (scope,) = requests
    assert all(header != b"x" for header, _ in scope["headers"])
    assert sum(header == b"host" for header, _ in scope["headers"]) == (name != "HTTP/1.0")


@pytest.mark.parametrize("target", [b"http://evil.example/a", b"HTTPS://evil.example/?://"])
def test_authority_of_an_absolute_target_replaces_host(target: bytes, server: RunningServer) -> None:
    """If the request target is an absolute URL, its host replaces the Host header."""
    exchange(server.port, GET_AND_CLOSE.replace(b"/a", target))
    assert [value for name, value in requests[0]["headers"] if name == b"host"] == [b"evil.example"]


def test_pipelined_requests_are_answered_in_order(server: RunningServer) -> None:
    """Pipelined requests get responses in order; of 1001 only 17 are answered, then the connection closes."""
    slow_get = GET.replace(b"/a", b"/wait")
    posts = [
        POST.replace(b"close", b"keep-alive") + b"Content-Length: %d\r\n\r\n" % n + b"x" * n
        for n in (3, 1, 2)
    ]
    responses = exchange(server.port, slow_get + b"".join(posts) + GET_AND_CLOSE)
    lengths = [response[-1:] for response in responses.split(b"HTTP/1.1 ")[1:]]
    assert lengths == [b"0", b"3", b"1", b"2", b"0"]
    responses = exchange(server.port, slow_get + GET * 1000)
    assert responses.count(b"HTTP/1.1 200") == 17
    assert responses.count(b"connection: close") == 1


def test_disconnected_clients_are_removed(server: RunningServer) -> None:
    """A client that sends several requests and leaves causes no error, and its connection is removed."""
    for _ in range(5):
        with connect(server.port) as client:
            client.sendall(GET.replace(b"/a", b"/wait") * 3)
    wait_until(lambda: len(server.connections) == 0)
    assert parse_status(exchange(server.port, GET_AND_CLOSE)) == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"", 0),
        (b"\r\n", 0),
        (b"G", 408),
        (HEAD + b"X", 408),
        (GET, 200),
        (GET + b"\r\n", 200),
        (GET + b"GET", 200),
    ],
)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_incomplete_headers_time_out(
    request_bytes: bytes, status: int, loop: Literal["asyncio", "uvloop"]
) -> None:
    """Incomplete headers give 408, a connection without any bytes no response; in both cases it closes."""
    with run_server(app, replace(LIMITS, header_seconds=0.1), loop) as server:
        response = exchange(server.port, request_bytes)
        assert parse_status(response) == status
        assert response.count(b"HTTP/1.1 408") == (status == 408 or request_bytes.endswith(b"GET"))


def test_slow_headers_time_out() -> None:
    """Single bytes that arrive now and then do not extend the time for headers (Slowloris)."""
    with run_server(app, replace(LIMITS, header_seconds=0.1)) as server, connect(server.port) as client:
        client.sendall(HEAD + b"X: ")
        client.setblocking(False)  # noqa: FBT003 - the socket's own interface
        response = b""

        def has_response() -> bool:
            nonlocal response
            client.send(b"y")
            with suppress(BlockingIOError):
                response = client.recv(65536)
            return response != b""

        wait_until(has_response)
        assert parse_status(response) == 408


def test_slow_responses_do_not_time_out() -> None:
    """While a response is pending, the client gets more time for its next request."""
    with run_server(app, replace(LIMITS, header_seconds=0.01)) as server:
        response = exchange(server.port, GET.replace(b"/a", b"/wait") + b"G")
    assert parse_status(response) == 200


def test_connections_are_limited() -> None:
    """A connection beyond the limit gets 503 with Retry-After; earlier connections keep working."""
    with run_server(app, replace(LIMITS, connections=2)) as server:
        with connect(server.port) as first, connect(server.port) as second:
            wait_until(lambda: len(server.connections) == 2)
            response = exchange(server.port, GET_AND_CLOSE)
            assert parse_status(response) == 503
            assert b"retry-after: 1" in response.lower()
            for client in (first, second):
                client.sendall(GET_AND_CLOSE)
                assert parse_status(read_all(client)) == 200
        wait_until(lambda: len(server.connections) == 0)
        assert parse_status(exchange(server.port, GET_AND_CLOSE)) == 200


def test_connections_beyond_twice_the_limit_are_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejected connections that stay open do not accumulate: beyond twice the limit they close at once."""
    monkeypatch.setattr("optotype.web.connection._LINGER_SECONDS", TIMEOUT_SECONDS)
    with run_server(app, replace(LIMITS, connections=2)) as server, ExitStack() as stack:
        clients = [stack.enter_context(connect(server.port)) for _ in range(20)]
        assert [read_all(client) for client in clients[4:]] == [b""] * 16
        wait_until(lambda: len(server.connections) == 4)


@pytest.mark.parametrize("request_bytes", [b"\0", HEAD + b"X: " + b"y" * 5000], ids=["NUL", "large header"])
def test_rejected_connections_close(request_bytes: bytes, server: RunningServer) -> None:
    """The server closes a rejected connection soon after the response, even if the client stays."""
    with connect(server.port) as client:
        client.sendall(request_bytes)
        assert parse_status(read_all(client)) in {400, 431}
        wait_until(lambda: len(server.connections) == 0)


@pytest.mark.parametrize(
    "request_bytes", [GET, GET_AND_CLOSE, GET * 3], ids=["keep-alive", "close", "pipelined"]
)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_clients_that_do_not_read_are_disconnected(
    request_bytes: bytes, loop: Literal["asyncio", "uvloop"]
) -> None:
    """A response that the client does not read is not kept forever; giving up is not an error."""
    with (
        run_server(app, replace(LIMITS, write_seconds=0.1), loop) as server,
        connect(server.port) as client,
    ):
        client.sendall(request_bytes.replace(b"/a", b"/large"))
        wait_until(lambda: len(requests) == 1)
        wait_until(lambda: len(server.connections) == 0)


@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=5), max_size=12))
def test_any_bytes_leave_the_server_working(server: RunningServer, fragments: list[bytes]) -> None:
    """Whatever a client sends before it disconnects, no error is logged and the next request is answered."""
    with connect(server.port) as client:
        client.sendall(b"".join(fragments))
        client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            read_all(client)
    assert parse_status(exchange(server.port, GET_AND_CLOSE)) == 200
