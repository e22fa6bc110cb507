"""Who may ask: the middleware that stands between a server on one's own machine and whatever a browser has open.

A server on loopback is out of reach for other machines, but not for the pages that a browser on this one shows. Three
things are checked, each against one way of reaching it through the browser:

- **Host**: a page of attacker.example may have its name resolved to 127.0.0.1 once it is loaded ("DNS rebinding"), and
  is then of one origin with this server as far as the browser can tell. But its requests still name
  attacker.example. So a server on loopback answers to loopback's names only, as Jupyter Server does where
  ``allow_remote_access`` is off. The port is not compared: no attack depends on it, and where this machine's port
  is forwarded (``ssh -L 9000:localhost:8000``) it is another.
- **Origin**: a page of another origin, on another port of this machine too, may send a request whose answer it cannot
  read. It would be a correction that nobody made, or work for the processor.
- **Sec-Fetch-Site**: so may an image or a form, without an Origin. (W3C Fetch Metadata; absent outside of browsers.)

Where other machines reach the server any name may be right; there a token is demanded instead.
"""

import hmac
import re
from ipaddress import ip_address
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optotype.errors import ServeError
from optotype.web.limits import Limits, refuse
from optotype.web.problems import problem

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    b" media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _POLICY),
)
"""Of every answer that does not set its own."""

_PRIVATE: Final = re.compile(r"/(v1|metrics)(/.*)?", re.DOTALL)
_AUTHORITY: Final = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{0,5})?")
_TOKEN: Final = re.compile(r"[!-~]{16,}")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens there: localhost, 127.0.0.0/8 or ::1.

    Any other name counts as reachable, whatever it resolves to today.
    """
    name = host.lower().removesuffix(".")
    try:
        return name == "localhost" or ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def is_private(path: str) -> bool:
    """Tell whether a path asks the model something or tells of its use; all others are the same for everyone."""
    return _PRIVATE.fullmatch(path) is not None


def check_token(text: str) -> None:
    """Refuse a token that could be guessed, or that a header cannot carry.

    Raises:
        ServeError: It has fewer than 16 characters, or others than visible ASCII.
    """
    if not _TOKEN.fullmatch(text):
        # The token itself is not repeated: this ends up on screens and in logs.
        raise ServeError(
            f"The token has {len(text)} characters, expected at least 16, all of them ASCII letters, digits and signs."
            ' Make one with: python -c "import secrets; print(secrets.token_urlsafe())"'
        )


class Guard:
    """ASGI middleware: answers who may not ask, hands on who may, and adds ``HEADERS`` to every answer."""

    def __init__(self, app: ASGIApp, host: str, token: str | None, limits: Limits) -> None:
        """Guard an application.

        Args:
            app: What is guarded.
            host: Where the server listens: a name or an address.
            token: What requests to /v1 and /metrics must carry; None where they need none.
            limits: What of a refused request's body is read (``refuse``).
        """
        self._app = app
        self._local = is_loopback(host)
        self._token = None if token is None else token.encode()
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then hand it on; or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there is none, and it would go unguarded
            return
        private = is_private(scope["path"])

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_headers(message.get("headers", ()), private=private)
            await send(message)

        refusal = self._refusal(scope, private=private)
        if refusal is None:
            await self._app(scope, receive, guarded)
        else:
            await refuse(refusal, scope, receive, guarded, self._limits)

    def _refusal(self, scope: Scope, *, private: bool) -> Response | None:
        hosts = _values(scope, b"host")
        if len(hosts) != 1:
            return problem(400, f"The request has {len(hosts)} Host headers, expected one.")
        return (
            self._of_host(hosts[0])
            or _of_origin(_values(scope, b"origin"), hosts[0])
            or (_of_site(_values(scope, b"sec-fetch-site")) if private else None)
            or (self._of_token(_values(scope, b"authorization")) if private else None)
        )

    def _of_host(self, host: bytes) -> Response | None:
        authority = _AUTHORITY.fullmatch(host)
        if authority is None:
            return problem(400, f"Host is {_shown(host)}, expected a name and perhaps a port.")
        if self._local and not is_loopback(authority["name"].decode()):
            return problem(
                421,
                f"This server is for its own machine only and does not answer to {_shown(host)}. Ask for localhost or"
                " 127.0.0.1, or start it with --host and --token for others.",
            )
        return None

    def _of_token(self, given: list[bytes]) -> Response | None:
        if self._token is None:
            return None
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        if scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token):
            return None
        said = "carries another" if scheme.lower() == b"bearer" else "carries none"
        return problem(
            401,
            f"This server asks for its token, and the request {said}. Send the header 'Authorization: Bearer TOKEN',"
            " with the token that the server was started with.",
            {"WWW-Authenticate": "Bearer"},
        )


def _of_origin(origins: list[bytes], host: bytes) -> Response | None:
    """Refuse other origins. With TLS in front of the server its own one begins with https."""
    own = {b"http://" + host.lower(), b"https://" + host.lower()}
    for origin in origins:
        if origin.lower() not in own:
            return problem(
                403,
                f"The request comes from a page of {_shown(origin)}, expected one of this server's own. Other pages may"
                " not use it.",
            )
    return None


def _of_site(sites: list[bytes]) -> Response | None:
    """Refuse what other pages caused; "none" is what the user typed, and "same-site" another port."""
    for site in sites:
        if site not in {b"same-origin", b"none"}:
            return problem(
                403,
                f"The request was caused by another page (Sec-Fetch-Site is {_shown(site)}), expected this server's."
                " Open this server's page and ask from there.",
            )
    return None


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for each, value in scope["headers"] if each == name]


def _with_headers(given: list[tuple[bytes, bytes]], *, private: bool) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in given}
    ours = (*HEADERS, (b"cache-control", b"no-store")) if private else HEADERS
    return [*given, *(header for header in ours if header[0] not in present)]


def _shown(value: bytes) -> str:
    return repr(value[:60].decode("ascii", "replace"))
