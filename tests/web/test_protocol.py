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
from optotype.web.protocol import bounded
from tests.web.listening import PATIENCE, Listening, connected, exchange, listening, rest, status, until

LIMITS = Limits(
    header_bytes=4096, header_seconds=PATIENCE, read_seconds=PATIENCE, write_seconds=PATIENCE, connections=8
)
HEAD = b"GET /a HTTP/1.1\r\nHost: localhost\r\n"
GET = HEAD + b"\r\n"
LAST = HEAD + b"Connection: close\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = 1_000_000

HOSTILE = {
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "two equal lengths": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "a length and chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and a length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "no known coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a negative length": (POST + b"Content-Length: -3\r\n\r\nabc", 400),
    "an endless length": (POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nabc", 400),
    "a folded header": (HEAD + b"X: a\r\n b\r\n\r\n", 400),
    "bare line feeds": (GET.replace(b"\r\n", b"\n"), 400),
    "a space before the colon": (b"GET /a HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    "a zero byte": (HEAD + b"X: a\0b\r\n\r\n", 400),
    "no size of a chunk": (CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk longer than its size": (CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n", 400),
    "a chunk of endless size": (CHUNKED + b"F" * 20 + b"\r\nabc\r\n0\r\n\r\n", 400),
    "an endless extension of a chunk": (CHUNKED + b"3;a=" + b"x" * MUCH, 431),
    "an endless trailer": (CHUNKED + b"3\r\nabc\r\n0\r\nX: " + b"x" * MUCH, 431),
    "endlessly many trailers": (CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * MUCH, 431),
    "a large header": (HEAD + b"X: " + b"y" * 4096 + b"\r\n\r\n", 431),
    "an endless header": (HEAD + b"X: " + b"y" * MUCH, 431),
    "many headers": (HEAD + b"X:y\r\n" * 100 + b"\r\n", 431),
    "endlessly many headers": (HEAD + b"X:y\r\n" * MUCH, 431),
    "an endless address": (b"GET /" + b"a" * MUCH, 431),
    "endless empty lines": (b"\r\n" * MUCH, 431),
    "nothing that is HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/9.9": (b"GET /a HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
    "an unknown method": (b"BREW /a HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a proxy's method": (b"CONNECT evil:443 HTTP/1.1\r\nHost: evil\r\n\r\n", 400),
    "an address that is not ASCII": (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "no path": (b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "another protocol, with a body": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
        400,
    ),
    "a broken body behind a request": (GET + CHUNKED + b"zz\r\n", 0),
}
ODD = {
    "a body in chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    "chunks with trailers": CHUNKED + b"3;a=b\r\nabc\r\n0\r\nHost: evil\r\nX: y\r\n\r\n",
    "HEAD": LAST.replace(b"GET", b"HEAD"),
    "TRACE": LAST.replace(b"GET", b"TRACE"),
    "OPTIONS": LAST.replace(b"GET /a", b"OPTIONS *"),
    "HTTP/1.0": b"GET /a HTTP/1.0\r\n\r\n",
    "another protocol": HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + GET,
    "a WebSocket": HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "an address with everything": LAST.replace(b"/a", b"/%ff%00%0d%0a?%ff"),
    "a request and then none": GET + b"GARBAGE\r\n\r\n",
}

PIECES = [
    GET,
    LAST,
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
    """Read the body, wait a little if asked to, and answer with its length."""
    requests.append(scope)
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message["body"]), message["more_body"]
    if scope["path"] == "/wait":
        await asyncio.sleep(0.05)
    parts = [b"x" * 1_000_000] * 50 if scope["path"] == "/much" else [b"%d" % length]
    headers = [(b"content-length", b"%d" % sum(map(len, parts)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def server(request: pytest.FixtureRequest) -> Iterator[Listening]:
    """A server with generous times, for each event loop."""
    with listening(app, LIMITS, request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def silent(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test lets an error be logged: whatever a client does is no error of the server's."""
    requests.clear()
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_hostile_is_refused(what: str, server: Listening) -> None:
    """What is no request, or none that ends, gets its status as problem+json or no answer; the server goes on."""
    sent, code = HOSTILE[what]
    answer = exchange(server.port, sent)
    assert status(answer) == code
    if code:
        assert b"connection: close" in answer.lower()
        assert b"content-type: application/problem+json" in answer
        assert b"x-content-type-options: nosniff" in answer
    assert status(exchange(server.port, LAST)) == 200


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_answered(what: str, server: Listening) -> None:
    """What is unusual and harmless is handed on once, no trailer among its headers, and the connection closes."""
    answer = exchange(server.port, ODD[what])
    assert status(answer) == 200
    assert b"connection: close" in answer
    (scope,) = requests
    assert all(name != b"x" for name, _ in scope["headers"])
    assert sum(name == b"host" for name, _ in scope["headers"]) == (what != "HTTP/1.0")


@pytest.mark.parametrize("address", [b"http://evil.example/a", b"HTTPS://evil.example/?://"])
def test_the_authority_of_an_absolute_address_counts(address: bytes, server: Listening) -> None:
    """Where a request's line names a host this stands in for the Host header."""
    exchange(server.port, LAST.replace(b"/a", address))
    assert [value for name, value in requests[0]["headers"] if name == b"host"] == [b"evil.example"]


def test_requests_in_a_row_are_answered_in_order(server: Listening) -> None:
    """Requests sent at once are answered in their order; of very many only the first, and the connection closes."""
    wait = GET.replace(b"/a", b"/wait")
    posts = [
        POST.replace(b"close", b"keep-alive") + b"Content-Length: %d\r\n\r\n" % n + b"x" * n
        for n in (3, 1, 2)
    ]
    answer = exchange(server.port, wait + b"".join(posts) + LAST)
    assert [each[-1:] for each in answer.split(b"HTTP/1.1 ")[1:]] == [b"0", b"3", b"1", b"2", b"0"]
    answer = exchange(server.port, wait + GET * 1000)
    assert answer.count(b"HTTP/1.1 200") == 17
    assert answer.count(b"connection: close") == 1


def test_who_leaves_is_forgotten(server: Listening) -> None:
    """A client that asks several things and leaves is no error, and its connection is gone."""
    for _ in range(5):
        with connected(server.port) as client:
            client.sendall(GET.replace(b"/a", b"/wait") * 3)
    until(lambda: len(server.connections) == 0)
    assert status(exchange(server.port, LAST)) == 200


@pytest.mark.parametrize(
    ("sent", "code"),
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
def test_slow_requests_are_cut_off(sent: bytes, code: int, loop: Literal["asyncio", "uvloop"]) -> None:
    """Headers that do not arrive give 408, and none at all no word; in both cases the connection closes."""
    with listening(app, replace(LIMITS, header_seconds=0.1), loop) as server:
        answer = exchange(server.port, sent)
        assert status(answer) == code
        assert answer.count(b"HTTP/1.1 408") == (code == 408 or sent.endswith(b"GET"))


def test_headers_that_drip_are_cut_off() -> None:
    """A byte now and then does not make the time for headers longer."""
    with listening(app, replace(LIMITS, header_seconds=0.1)) as server, connected(server.port) as client:
        client.sendall(HEAD + b"X: ")
        client.setblocking(False)  # noqa: FBT003 - the method's own way
        answer = b""

        def answered() -> bool:
            nonlocal answer
            client.send(b"y")
            with suppress(BlockingIOError):
                answer = client.recv(65536)
            return answer != b""

        until(answered)
        assert status(answer) == 408


def test_an_answer_that_takes_long_is_not_cut_off() -> None:
    """Who waits for an answer has more time for the next request: what is under way is answered."""
    limits = replace(LIMITS, header_seconds=0.01)
    with listening(app, limits) as server:
        answer = exchange(server.port, GET.replace(b"/a", b"/wait") + b"G")
    assert status(answer) == 200


def test_connections_are_limited() -> None:
    """A connection too many gets 503 and when to come back, and far too many no word; those before it work on."""
    with listening(app, replace(LIMITS, connections=2)) as server:
        with connected(server.port) as first, connected(server.port) as second:
            until(lambda: len(server.connections) == 2)
            answer = exchange(server.port, LAST)
            assert status(answer) == 503
            assert b"retry-after: 1" in answer.lower()
            for client in (first, second):
                client.sendall(LAST)
                assert status(rest(client)) == 200
        until(lambda: len(server.connections) == 0)
        assert status(exchange(server.port, LAST)) == 200


def test_far_too_many_connections_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused connections that stay open do not add up: past twice the limit they are closed at once."""
    monkeypatch.setattr("optotype.web.protocol._LINGER", PATIENCE)
    with listening(app, replace(LIMITS, connections=2)) as server, ExitStack() as stack:
        clients = [stack.enter_context(connected(server.port)) for _ in range(20)]
        assert [rest(client) for client in clients[4:]] == [b""] * 16
        until(lambda: len(server.connections) == 4)


@pytest.mark.parametrize("sent", [b"\0", HEAD + b"X: " + b"y" * 5000], ids=["no HTTP", "a large header"])
def test_a_refused_connection_closes_by_itself(sent: bytes, server: Listening) -> None:
    """Who is refused and stays is cut off too, soon after the answer."""
    with connected(server.port) as client:
        client.sendall(sent)
        assert status(rest(client)) in {400, 431}
        until(lambda: len(server.connections) == 0)


@pytest.mark.parametrize("sent", [GET, LAST, GET * 3], ids=["keep-alive", "close", "more"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_who_does_not_read_is_cut_off(sent: bytes, loop: Literal["asyncio", "uvloop"]) -> None:
    """An answer that nobody reads is not kept for ever; that it is given up is no error."""
    with listening(app, replace(LIMITS, write_seconds=0.1), loop) as server, connected(server.port) as client:
        client.sendall(sent.replace(b"/a", b"/much"))
        until(lambda: len(requests) == 1)
        until(lambda: len(server.connections) == 0)


def test_each_server_has_its_own_limits() -> None:
    """Two protocols with other limits do not share them."""
    assert bounded(LIMITS).limits is LIMITS
    assert bounded(Limits()).limits == Limits()


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=12))
def test_whatever_comes_the_server_goes_on(server: Listening, pieces: list[bytes]) -> None:
    """Whatever a client sends before it hangs up, nothing is logged as an error, and the next one is answered."""
    with connected(server.port) as client:
        client.sendall(b"".join(pieces))
        client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            rest(client)
    assert status(exchange(server.port, LAST)) == 200
