"""Checks of Host, Origin, Sec-Fetch-Site and the token, and the security headers."""

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
from optotype.web.guard import SECURITY_HEADERS, Guard, check_token, is_loopback
from optotype.web.limits import Limits
from tests.browser import CHROMIUM, Browser, opened
from tests.web.http_server import exchange, parse_status, run_server, wait_until

TOKEN = "x" * 16
LIMITS = Limits()


async def app(scope: Scope, _: Receive, send: Send) -> None:
    """Respond with 200; /docs sets its own content security policy."""
    headers = [(b"Content-Security-Policy", b"custom")] if scope["path"] == "/docs" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def send_request(
    path: str = "/v1/model",
    *headers: tuple[bytes, bytes],
    guard: Guard | None = None,
    hosts: tuple[bytes, ...] = (b"localhost:8000",),
    method: str = "POST",
) -> tuple[int, dict[bytes, bytes]]:
    """Send a request to a protected application; return the response's status and headers."""
    response: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        response.append(message)

    all_headers = [*((b"host", host) for host in hosts), *headers]
    scope = {"type": "http", "method": method, "path": path, "headers": all_headers}
    asyncio.run((guard or Guard(app, "127.0.0.1", None, LIMITS))(scope, receive, send))
    start, body = response[0], response[1]
    if start["status"] >= 400:
        assert json.loads(body["body"])["status"] == start["status"]
    return start["status"], dict(start["headers"])


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost.", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "0:0::1"]
)
def test_loopback_hosts(host: str) -> None:
    """localhost, 127.0.0.0/8 and ::1 are loopback in every notation."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "10.0.0.1", "127.1", "localhost.example", "my-machine", "1"],  # noqa: S104 - nothing listens
)
def test_other_hosts_are_not_loopback(host: str) -> None:
    """Every other name and address counts as reachable from other machines."""
    assert not is_loopback(host)


@pytest.mark.parametrize("token", ["", "x" * 15, "x" * 16 + " ", "x" * 16 + "\n", "ä" * 16, "x\0" * 16])
def test_weak_tokens_are_rejected(token: str) -> None:
    """A short token, or one that a header cannot carry, raises ServeError that shows how to create a good one."""
    with pytest.raises(ServeError, match=r"at least 16.*secrets\.token_urlsafe") as error:
        check_token(token)
    assert not token or token not in str(error.value)


def test_good_tokens_are_accepted() -> None:
    """The recommended form and all visible ASCII characters are accepted."""
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
def test_loopback_names_are_accepted(host: bytes) -> None:
    """A server on loopback accepts loopback names with any port, since the port may be forwarded."""
    assert send_request(hosts=(host,))[0] == 200


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
def test_other_names_get_421(host: bytes) -> None:
    """A name that DNS rebinding could use gives 421 on every path."""
    assert send_request(hosts=(host,))[0] == 421
    assert send_request("/", hosts=(host,))[0] == 421


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
def test_invalid_hosts_get_400(hosts: tuple[bytes, ...]) -> None:
    """No Host header, two of them, or an invalid name give 400, also if the server is not on loopback."""
    assert send_request(hosts=hosts)[0] == 400
    assert send_request(hosts=hosts, guard=Guard(app, "0.0.0.0", TOKEN, LIMITS))[0] == 400  # noqa: S104 - nothing listens


@given(st.text(alphabet=st.characters(codec="latin-1")) | st.from_regex(r"[a-z0-9.\[\]:@-]*", fullmatch=True))
def test_only_loopback_names_pass(host: str) -> None:
    """A request is answered only if the name in its Host header is a loopback name."""
    if send_request(hosts=(host.encode("latin-1"),))[0] == 200:
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
def test_only_the_own_origin_is_accepted(path: str, origin: bytes, code: int) -> None:
    """A request with an Origin header is answered if it is the server's own origin, and gives 403 otherwise."""
    assert send_request(path, (b"origin", origin))[0] == code


def test_cors_preflight_gets_403() -> None:
    """A preflight request of another origin gives 403, and no response has a CORS header."""
    preflight = (b"origin", b"http://attacker.example"), (b"access-control-request-method", b"POST")
    for path in ("/v1/predict", "/"):
        code, headers = send_request(path, *preflight, method="OPTIONS")
        assert code == 403
        assert not any(name.startswith(b"access-control") for name in headers)
    assert not any(
        name.startswith(b"access-control")
        for name in send_request("/", (b"origin", b"http://localhost:8000"))[1]
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
def test_requests_from_other_sites_are_rejected(path: str, site: bytes, code: int) -> None:
    """Requests that another page caused give 403 for /v1 and /metrics; links to the page work."""
    assert send_request(path, (b"sec-fetch-site", site), method="GET")[0] == code


@pytest.mark.parametrize(
    ("values", "code"),
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
def test_private_paths_require_the_token(values: list[bytes], code: int) -> None:
    """With a token, /v1 and /metrics need it; 401 names the scheme and not the token."""
    guard = Guard(app, "0.0.0.0", TOKEN, LIMITS)  # noqa: S104 - nothing listens
    for path in ("/v1/model", "/v1", "/metrics", "/v1/\n"):
        status, headers = send_request(
            path, *((b"authorization", value) for value in values), guard=guard, hosts=(b"machine.example",)
        )
        assert status == code
        assert headers.get(b"www-authenticate") == (b"Bearer" if code == 401 else None)


@pytest.mark.parametrize(
    "path", ["/", "/page/draw.js", "/docs", "/openapi.json", "/health/live", "/health/ready"]
)
def test_public_paths_need_no_token(path: str) -> None:
    """The page, the API documentation and health need no token."""
    assert send_request(path, guard=Guard(app, "localhost", TOKEN, LIMITS))[0] == 200


@pytest.mark.parametrize("host", [b"localhost", b"attacker.example"])
def test_every_response_has_security_headers(host: bytes) -> None:
    """All responses have the security headers; /v1 is not cached; a response's own policy is not replaced."""
    headers = send_request("/v1/model", hosts=(host,))[1]
    assert headers.items() >= dict(SECURITY_HEADERS).items()
    assert headers[b"cache-control"] == b"no-store"
    assert b"cache-control" not in send_request("/", hosts=(host,))[1]
    docs = send_request("/docs", hosts=(b"localhost",))[1]
    assert docs[b"Content-Security-Policy"] == b"custom"
    assert b"content-security-policy" not in docs


def test_lifespan_and_websockets() -> None:
    """Lifespan events are forwarded; every WebSocket is closed."""
    events: list[str] = []

    async def record(scope: Scope, _: Receive, __: Send) -> None:
        events.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        events.append(message["type"])

    guard = Guard(record, "localhost", None, LIMITS)
    for kind in ("lifespan", "websocket"):
        asyncio.run(guard({"type": kind}, receive, send))
    assert events == ["lifespan", "websocket.close"]


def test_rejected_client_with_a_large_body_reads_the_response() -> None:
    """A client that sends a large body before it reads gets the error response and no connection reset."""
    body = b"x" * 3_000_000
    with run_server(Guard(app, "127.0.0.1", None, LIMITS), LIMITS) as server:
        response = exchange(
            server.port, b"POST / HTTP/1.1\r\nHost: evil\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
    assert parse_status(response) == 421


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_other_origins_in_a_browser(tmp_path: Path) -> None:
    """In a real browser the server's own page can send requests; pages of other origins cannot."""
    paths: list[str] = []

    async def record(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await app(scope, receive, send)

    with run_server(Guard(record, "127.0.0.1", None, LIMITS), LIMITS) as server, opened(tmp_path) as browser:
        address = f"http://127.0.0.1:{server.port}"
        for mode in ("no-cors", "cors"):
            for method in ("GET", "POST"):
                assert (
                    fetch_status(
                        browser, f"fetch('{address}/v1/predict', {{method: '{method}', mode: '{mode}'}})"
                    )
                    != 200
                )
        assert (
            fetch_status(
                browser,
                f"new Promise(done => {{let i = new Image(); i.onerror = done; i.src = '{address}/v1/i'}})",
            )
            != 200
        )
        assert paths == []
        browser.ask("Page.navigate", url=f"{address}/page")
        wait_until(lambda: browser.evaluate("location.pathname + document.readyState") == "/pagecomplete")
        assert fetch_status(browser, "fetch('/v1/model')") == 200
        assert fetch_status(browser, "fetch('/v1/predict', {method: 'POST', body: 'x'})") == 200
        # The browser also requests an icon at some time.
        assert [path for path in paths if path.startswith("/v1/")] == ["/v1/model", "/v1/predict"]


def fetch_status(browser: Browser, promise: str) -> object:
    """Wait for a promise in the page; return the status of its response, if the page can read it."""
    expression = f"{promise}.then(response => response.status, () => 'failed')"
    result = browser.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
    return result["result"].get("value")
