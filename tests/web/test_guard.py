import asyncio
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from optotype.errors import ServeError
from optotype.web.guard import HEADERS, Guard, check_token, is_loopback
from optotype.web.limits import Limits
from tests.browser import CHROMIUM, Browser, opened
from tests.web.listening import exchange, listening, status, until

TOKEN = "x" * 16
LIMITS = Limits()


async def fine(scope: Scope, _: Receive, send: Send) -> None:
    """Answer 200, with a policy of its own where the path is /docs."""
    headers = [(b"Content-Security-Policy", b"own")] if scope["path"] == "/docs" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"fine"})


def ask(
    path: str = "/v1/model",
    *more: tuple[bytes, bytes],
    guard: Guard | None = None,
    hosts: tuple[bytes, ...] = (b"localhost:8000",),
    method: str = "POST",
) -> tuple[int, dict[bytes, bytes]]:
    """Ask a guarded application; gives the status and the headers of the answer."""
    answer: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answer.append(message)

    headers = [*((b"host", host) for host in hosts), *more]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run((guard or Guard(fine, "127.0.0.1", None, LIMITS))(scope, receive, send))
    start, body = answer[0], answer[1]
    if start["status"] >= 400:
        assert json.loads(body["body"])["status"] == start["status"]
    return start["status"], dict(start["headers"])


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost.", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "0:0::1"]
)
def test_loopback_is_known(host: str) -> None:
    """Names and addresses that only this machine reaches are known, in each way of writing them."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "10.0.0.1", "127.1", "localhost.example", "my-machine", "1"],  # noqa: S104 - nothing listens
)
def test_what_others_may_reach_is_not_loopback(host: str) -> None:
    """Everything else counts as reachable, whatever it may resolve to."""
    assert not is_loopback(host)


@pytest.mark.parametrize("token", ["", "x" * 15, "x" * 16 + " ", "x" * 16 + "\n", "ä" * 16, "x\0" * 16])
def test_a_weak_token_is_refused(token: str) -> None:
    """A token that is short, or that a header cannot carry, is refused with the way to make a good one."""
    with pytest.raises(ServeError, match=r"at least 16.*secrets\.token_urlsafe") as raised:
        check_token(token)
    assert not token or token not in str(raised.value)


def test_a_good_token_is_taken() -> None:
    """What the error recommends is taken, and so are all visible signs."""
    check_token("3q2-7_yXx0cVd5Jm1pQ9s8RtUuVvWwXxYyZz0123456")
    check_token("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"LOCALHOST:8000",
        b"localhost.:8000",
        b"127.0.0.1:9",
        b"[::1]:8000",
        b"[::1]",
        b"localhost:",
    ],
)
def test_the_names_of_this_machine_are_answered(host: bytes) -> None:
    """A server on loopback answers to loopback's names, with any port: it may have been forwarded from another."""
    assert ask(hosts=(host,))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        b"attacker.example",
        b"attacker.example:8000",
        b"localhost.attacker.example",
        b"10.0.0.1",
        b"0.0.0.0:8000",
        b"1",
    ],
)
def test_other_names_are_misdirected(host: bytes) -> None:
    """A name that DNS rebinding could have brought here gives 421, on every path."""
    assert ask(hosts=(host,))[0] == 421
    assert ask("/", hosts=(host,))[0] == 421


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        (b"localhost", b"localhost"),
        (b"",),
        (b"localhost,evil",),
        (b"localhost evil",),
        (b"a@localhost",),
        (b"localhost:80a",),
        (b"localhost/",),
        (b"::1",),
        (b"\xff",),
    ],
)
def test_a_senseless_host_is_refused(hosts: tuple[bytes, ...]) -> None:
    """No Host, two of them, or one that is no name gives 400, wherever the server listens."""
    assert ask(hosts=hosts)[0] == 400
    assert ask(hosts=hosts, guard=Guard(fine, "0.0.0.0", TOKEN, LIMITS))[0] == 400  # noqa: S104 - nothing listens


@given(st.text(alphabet=st.characters(codec="latin-1")) | st.from_regex(r"[a-z0-9.\[\]:@-]*", fullmatch=True))
def test_only_loopback_gets_through(host: str) -> None:
    """Whatever the Host header holds, it is answered only if its name is loopback's."""
    if ask(hosts=(host.encode("latin-1"),))[0] == 200:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() or host.endswith(":") else host
        name = name.lower().removesuffix(".").strip("[]")
        assert name == "localhost" or ip_address(name).is_loopback


@pytest.mark.parametrize("path", ["/", "/v1/predict", "/page/draw.js"])
@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (b"http://localhost:8000", 200),
        (b"https://localhost:8000", 200),
        (b"http://localhost", 403),
        (b"http://localhost:8001", 403),
        (b"http://127.0.0.1:8000", 403),
        (b"http://localhost:8000.attacker.example", 403),
        (b"ftp://localhost:8000", 403),
        (b"null", 403),
        (b"", 403),
    ],
)
def test_only_the_own_origin_may_ask(path: str, origin: bytes, code: int) -> None:
    """A request with an Origin is answered if that is the server's own, and gives 403 otherwise."""
    assert ask(path, (b"origin", origin))[0] == code


def test_a_preflight_is_refused() -> None:
    """A page of another origin that asks whether it may is told no, and never is a header of CORS given."""
    asked = (b"origin", b"http://attacker.example"), (b"access-control-request-method", b"POST")
    for path in ("/v1/predict", "/"):
        code, headers = ask(path, *asked, method="OPTIONS")
        assert code == 403
        assert not any(name.startswith(b"access-control") for name in headers)
    assert not any(
        name.startswith(b"access-control") for name in ask("/", (b"origin", b"http://localhost:8000"))[1]
    )


@pytest.mark.parametrize(
    ("path", "site", "code"),
    [
        ("/v1/predict", b"same-origin", 200),
        ("/v1/predict", b"none", 200),
        ("/v1/predict", b"same-site", 403),
        ("/v1/predict", b"cross-site", 403),
        ("/metrics", b"cross-site", 403),
        ("/v1", b"cross-site", 403),
        ("/", b"cross-site", 200),
        ("/docs", b"cross-site", 200),
        ("/v1x", b"cross-site", 200),
    ],
)
def test_other_pages_ask_nothing(path: str, site: bytes, code: int) -> None:
    """What another page caused gives 403 under /v1 and for /metrics; a link to the page itself works."""
    assert ask(path, (b"sec-fetch-site", site), method="GET")[0] == code


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([b"Bearer " + TOKEN.encode()], 200),
        ([b"bearer  " + TOKEN.encode()], 200),
        ([], 401),
        ([b"Bearer"], 401),
        ([b"Bearer "], 401),
        ([b"Bearer " + TOKEN.encode() + b"x"], 401),
        ([b"Bearer \xff"], 401),
        ([b"Basic " + TOKEN.encode()], 401),
        ([TOKEN.encode()], 401),
        ([b"Bearer " + TOKEN.encode()] * 2, 401),
    ],
)
def test_a_token_is_demanded(given: list[bytes], code: int) -> None:
    """With a token /v1 and /metrics answer only who carries it; 401 names the scheme and not the token."""
    guard = Guard(fine, "0.0.0.0", TOKEN, LIMITS)  # noqa: S104 - nothing listens
    for path in ("/v1/model", "/v1", "/metrics", "/v1/\n"):
        found, headers = ask(
            path, *((b"authorization", each) for each in given), guard=guard, hosts=(b"machine.example",)
        )
        assert found == code
        assert headers.get(b"www-authenticate") == (b"Bearer" if code == 401 else None)


@pytest.mark.parametrize(
    "path", ["/", "/page/draw.js", "/docs", "/openapi.json", "/health/live", "/health/ready"]
)
def test_what_is_the_same_for_everyone_needs_no_token(path: str) -> None:
    """The page, the documents and the health are open."""
    assert ask(path, guard=Guard(fine, "localhost", TOKEN, LIMITS))[0] == 200


@pytest.mark.parametrize("host", [b"localhost", b"attacker.example"])
def test_every_answer_has_the_headers(host: bytes) -> None:
    """Answers and refusals have the same headers; those under /v1 are not stored; a policy of one's own stays."""
    found = ask("/v1/model", hosts=(host,))[1]
    assert found.items() >= dict(HEADERS).items()
    assert found[b"cache-control"] == b"no-store"
    assert b"cache-control" not in ask("/", hosts=(host,))[1]
    docs = ask("/docs", hosts=(b"localhost",))[1]
    assert docs[b"Content-Security-Policy"] == b"own"
    assert b"content-security-policy" not in docs


def test_other_protocols() -> None:
    """What the server says to its application is passed on; a WebSocket is closed, whoever asks for it."""
    seen: list[str] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        seen.append(message["type"])

    guard = Guard(app, "localhost", None, LIMITS)
    for kind in ("lifespan", "websocket"):
        asyncio.run(guard({"type": kind}, receive, send))
    assert seen == ["lifespan", "websocket.close"]


def test_who_is_refused_reads_why() -> None:
    """A client that sends a long body before it reads gets its refusal and no reset, and the connection closes."""
    body = b"x" * 3_000_000
    with listening(Guard(fine, "127.0.0.1", None, LIMITS), LIMITS) as server:
        answer = exchange(
            server.port, b"POST / HTTP/1.1\r\nHost: evil\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
    assert status(answer) == 421


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_in_a_browser(tmp_path: Path) -> None:
    """In a real browser the server's own page may ask; a page of another origin reaches nothing, in no way."""
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await fine(scope, receive, send)

    with listening(Guard(app, "127.0.0.1", None, LIMITS), LIMITS) as server, opened(tmp_path) as browser:
        here = f"http://127.0.0.1:{server.port}"
        for way in ("no-cors", "cors"):
            for method in ("GET", "POST"):
                assert (
                    said(browser, f"fetch('{here}/v1/predict', {{method: '{method}', mode: '{way}'}})") != 200
                )
        assert (
            said(
                browser,
                f"new Promise(done => {{let i = new Image(); i.onerror = done; i.src = '{here}/v1/i'}})",
            )
            != 200
        )
        assert asked == []
        browser.ask("Page.navigate", url=f"{here}/page")
        until(lambda: browser.evaluate("location.pathname + document.readyState") == "/pagecomplete")
        assert said(browser, "fetch('/v1/model')") == 200
        assert said(browser, "fetch('/v1/predict', {method: 'POST', body: 'x'})") == 200
        # The browser asks for an icon when it likes to.
        assert [path for path in asked if path.startswith("/v1/")] == ["/v1/model", "/v1/predict"]


def said(browser: Browser, promise: str) -> object:
    """Wait for a promise in the page; gives the status of its response, if it is one that can be read."""
    expression = f"{promise}.then(r => r.status, e => 'failed')"
    answer = browser.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
    return answer["result"].get("value")
