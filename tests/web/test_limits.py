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
from tests.web.listening import PATIENCE, connected, exchange, listening, rest, status

LIMITS = Limits(body_bytes=100, held_bytes=250, read_seconds=PATIENCE)
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body."""
    message = await receive()
    assert not message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


class Request:
    """A request to an ASGI application: what it sends, then what it says to `then`; and the answer to it."""

    def __init__(self, *chunks: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
        self.messages: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": place < len(chunks) - 1}
            for place, chunk in enumerate(chunks)
        ]
        self.answer: list[Any] = []
        self.gone = asyncio.Event()
        self.asked = 0

    async def receive(self) -> Message:
        """Give the next message, or wait until the client is gone."""
        self.asked += 1
        if not self.messages:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        await asyncio.sleep(0)
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        """Take a message of the answer."""
        self.answer.append(message)

    async def to(self, app: BodyLimits) -> int:
        """Ask; gives the status, 0 where there was no answer."""
        await app(self.scope, self.receive, self.send)
        return self.answer[0]["status"] if self.answer else 0

    @property
    def said(self) -> str:
        """What a refusal said."""
        return str(json.loads(self.answer[1]["body"])["detail"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The answer's headers."""
        return dict(self.answer[0]["headers"])


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_a_body_within_the_limits_arrives_whole(chunks: list[bytes]) -> None:
    """In whatever pieces a body comes, the application gets it in one, and nothing of it is held afterwards."""
    app, request = BodyLimits(echo, LIMITS), Request(*chunks)
    assert asyncio.run(request.to(app)) == 200
    assert request.answer[1]["body"] == b"".join(chunks)
    assert app._held == 0


def test_that_the_client_leaves_is_passed_on() -> None:
    """After the body the application hears of the client's leaving, and not before it."""
    heard = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])

    request = Request(b"x")
    request.gone.set()
    asyncio.run(request.to(BodyLimits(app, LIMITS)))
    assert heard == ["http.request", "http.disconnect"]


def test_who_leaves_within_a_body_is_forgotten() -> None:
    """Where the client leaves before its body is there the application is not asked, and nothing stays held."""
    request = Request(b"abc", b"")
    request.messages.pop()
    request.gone.set()
    app = BodyLimits(echo, LIMITS)
    assert asyncio.run(request.to(app)) == 0
    assert app._held == 0


@pytest.mark.parametrize("length", [b"", b"-1", b"+1", b"1.0", b"0x1", b"1, 1", b" 1", b"\xd9\xa1"])
def test_a_senseless_length_is_refused(length: bytes) -> None:
    """A Content-Length that is no whole number gives 400, with the value."""
    request = Request(b"", headers=[(b"content-length", length)])
    assert asyncio.run(request.to(BodyLimits(echo, LIMITS))) == 400
    assert repr(length) in request.said


def test_two_lengths_are_refused() -> None:
    """Two Content-Lengths give 400, even if they agree."""
    request = Request(b"x", headers=[(b"content-length", b"1")] * 2)
    assert asyncio.run(request.to(BodyLimits(echo, LIMITS))) == 400


@pytest.mark.parametrize("length", [b"101", b"9" * 5000])
def test_what_is_announced_as_too_large_is_refused_unread(length: bytes) -> None:
    """A body announced as too large gives 413 before any of it is read, and then the connection closes."""
    request = Request(b"x", headers=[(b"content-length", length)])
    app = BodyLimits(echo, LIMITS)
    seen = []

    async def send(message: Message) -> None:
        seen.append((message["type"], request.asked))
        await Request.send(request, message)

    request.send = send  # type: ignore[method-assign]
    assert asyncio.run(request.to(app)) == 413
    assert seen[:2] == [("http.response.start", 0), ("http.response.body", 0)]
    assert request.headers[b"connection"] == b"close"
    assert request.said == "The body is longer than 100 bytes. Send fewer or smaller pictures."


@pytest.mark.parametrize(("last", "code"), [(1, 200), (2, 413)])
def test_what_turns_out_too_large_is_refused(last: int, code: int) -> None:
    """A body without a length is let in up to the limit; one byte more gives 413, and nothing stays held."""
    request = Request(b"x" * 99, b"x" * last, headers=[(b"transfer-encoding", b"chunked")])
    app = BodyLimits(echo, LIMITS)
    assert asyncio.run(request.to(app)) == code
    assert app._held == 0


def test_what_does_not_arrive_is_refused() -> None:
    """A body that is not there in time gives 408, with what arrived, and the connection closes."""
    request = Request(b"abc", b"", headers=[(b"content-length", b"30")])
    request.messages.pop()
    assert asyncio.run(request.to(BodyLimits(echo, Limits(read_seconds=0.01)))) == 408
    assert request.said.startswith("3 bytes of the body arrived in 0.01 seconds")
    assert request.headers[b"connection"] == b"close"


def test_bodies_are_held_within_a_budget() -> None:
    """A body for which there is no room beside those being answered gives 503; once they are answered there is."""

    async def run() -> None:
        go = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await go.wait()
            await echo(scope, receive, send)

        limited = BodyLimits(app, LIMITS)
        held = [asyncio.create_task(Request(b"x" * 100).to(limited)) for _ in range(2)]
        while limited._held < 200:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)
        small, large = Request(b"x" * 50), Request(b"x" * 25, b"x" * 26)
        assert await large.to(limited) == 503
        assert large.headers[b"retry-after"] == b"1"
        last = asyncio.create_task(small.to(limited))
        go.set()
        assert await asyncio.gather(*held, last) == [200, 200, 200]
        assert limited._held == 0

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_what_fails_is_not_held() -> None:
    """Where the application fails its request's body is no longer counted."""

    async def app(*_: object) -> None:
        raise ZeroDivisionError

    limited = BodyLimits(app, LIMITS)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Request(b"abc").to(limited))
    assert limited._held == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_on_reads_why(*, chunked: bool) -> None:
    """A client that sends all of a body which is too large before it reads gets the 413 and no reset."""
    limits, body = replace(LIMITS, body_bytes=1_000_000, held_bytes=9_000_000), b"x" * 3_900_000
    head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    with listening(BodyLimits(echo, limits), limits) as server:
        for _ in range(5):
            assert status(exchange(server.port, POST + head + b"\r\n\r\n" + sent)) == 413


def test_the_refusal_does_not_wait_for_the_body() -> None:
    """A client reads that its body is too large while it has sent none of it; then the connection closes."""
    limits = Limits(body_bytes=100, read_seconds=0.1)
    with listening(BodyLimits(echo, limits), limits) as server, connected(server.port) as client:
        client.sendall(POST + b"Content-Length: 101\r\nExpect: 100-continue\r\n\r\n")
        assert status(rest(client)) == 413


def test_a_dripping_body_is_cut_off() -> None:
    """A client whose body does not arrive reads 408, and the connection closes."""
    limits = Limits(read_seconds=0.1)
    with listening(BodyLimits(echo, limits), limits) as server:
        assert status(exchange(server.port, POST + b"Content-Length: 101\r\n\r\nabc")) == 408
