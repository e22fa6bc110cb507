"""Access control: checks of Host, Origin, Sec-Fetch-Site and the bearer token, and the security headers of responses.

Other machines cannot reach a server on loopback, but web pages in a browser on this machine can. Each check closes one
way through the browser:

- **Host**: a page of attacker.example may have its name resolved to 127.0.0.1 after it is loaded ("DNS rebinding").
  For the browser it then has the same origin as this server, but its requests still name attacker.example. So a server
  on loopback accepts only loopback names, like Jupyter Server without ``allow_remote_access``. The port is not
  compared: no attack depends on it, and it differs if this machine's port is forwarded (``ssh -L 9000:localhost:80``).
- **Origin**: a page of another origin, even on another port of this machine, may send a request whose response it
  cannot read. That could be a correction that nobody made, or load for the processor.
- **Sec-Fetch-Site**: an image or a form may do the same without an Origin header. (W3C Fetch Metadata; only browsers
  send it.)

If other machines can reach the server, any name may be right. A token is required instead.
"""

import hmac
import re
from ipaddress import ip_address
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optotype.errors import ServeError
from optotype.web.limits import Limits, reject
from optotype.web.problems import problem

_CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    b" media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
)
"""Headers of every response that does not set them itself."""

_PRIVATE_PATH: Final = re.compile(r"/(v1|metrics)(/.*)?", re.DOTALL)
_AUTHORITY: Final = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{0,5})?")
_TOKEN: Final = re.compile(r"[!-~]{16,}")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the host: localhost, 127.0.0.0/8 or ::1.

    Every other name counts as reachable from outside, whatever it resolves to today.
    """
    name = host.lower().removesuffix(".")
    try:
        return name == "localhost" or ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def is_private(path: str) -> bool:
    """Return whether a path uses the model or reveals usage; all other paths are the same for everyone."""
    return _PRIVATE_PATH.fullmatch(path) is not None


def check_token(token: str) -> None:
    """Check that a token is hard to guess and that a header can carry it.

    Raises:
        ServeError: If it has fewer than 16 characters, or characters other than visible ASCII.
    """
    if not _TOKEN.fullmatch(token):
        # The token is not repeated: the message appears on screens and in logs.
        raise ServeError(
            f"The token has {len(token)} characters, expected at least 16, all of them ASCII letters, digits or"
            ' punctuation. Create one with: python -c "import secrets; print(secrets.token_urlsafe())"'
        )


class Guard:
    """ASGI middleware that rejects forbidden requests and adds ``SECURITY_HEADERS`` to every response."""

    def __init__(self, app: ASGIApp, host: str, token: str | None, limits: Limits) -> None:
        """Protect an application.

        Args:
            app: The application.
            host: The name or address on which the server listens.
            token: The token that requests to /v1 and /metrics must send; None if they need none.
            limits: How much of a rejected request's body is read (``reject``).
        """
        self._app = app
        self._accepts_loopback_only = is_loopback(host)
        self._token = None if token is None else token.encode()
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then forward or reject it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # The application has no WebSockets, and these checks would not cover them.
            await send({"type": "websocket.close", "code": 1008})
            return
        private = is_private(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _add_headers(message.get("headers", ()), private=private)
            await send(message)

        rejection = self._check(scope, private=private)
        if rejection is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await reject(rejection, scope, receive, send_with_headers, self._limits)

    def _check(self, scope: Scope, *, private: bool) -> Response | None:
        hosts = _header_values(scope, b"host")
        if len(hosts) != 1:
            return problem(
                400, f"The request has {len(hosts)} Host headers, expected exactly one. Send one Host header."
            )
        return (
            self._check_host(hosts[0])
            or _check_origin(_header_values(scope, b"origin"), hosts[0])
            or (_check_fetch_site(_header_values(scope, b"sec-fetch-site")) if private else None)
            or (self._check_authorization(_header_values(scope, b"authorization")) if private else None)
        )

    def _check_host(self, host: bytes) -> Response | None:
        authority = _AUTHORITY.fullmatch(host)
        if authority is None:
            return problem(
                400, f"The Host header is {_abbreviate(host)}, expected a name and optionally a port."
            )
        if self._accepts_loopback_only and not is_loopback(authority["name"].decode()):
            return problem(
                421,
                f"This server accepts only requests from its own machine, not for host {_abbreviate(host)}. Use"
                " localhost or 127.0.0.1, or start the server with --host and --token.",
            )
        return None

    def _check_authorization(self, values: list[bytes]) -> Response | None:
        if self._token is None:
            return None
        scheme, _, token = values[0].partition(b" ") if len(values) == 1 else (b"", b"", b"")
        if scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token):
            return None
        reason = "has a wrong token" if scheme.lower() == b"bearer" else "has no token"
        return problem(
            401,
            f"This server requires a token, and the request {reason}. Send the header 'Authorization: Bearer TOKEN'"
            " with the token that the server was started with.",
            {"WWW-Authenticate": "Bearer"},
        )


def _check_origin(origins: list[bytes], host: bytes) -> Response | None:
    """Reject other origins. Behind a TLS proxy the server's own origin starts with https."""
    own_origins = {b"http://" + host.lower(), b"https://" + host.lower()}
    for origin in origins:
        if origin.lower() not in own_origins:
            return problem(
                403,
                f"The request comes from the web page of origin {_abbreviate(origin)}, expected this server's own"
                " origin. Other web pages may not use this server.",
            )
    return None


def _check_fetch_site(sites: list[bytes]) -> Response | None:
    """Reject requests caused by other pages; "none" is user input, and "same-site" may be another port."""
    for site in sites:
        if site not in {b"same-origin", b"none"}:
            return problem(
                403,
                f"Another web page caused the request (Sec-Fetch-Site is {_abbreviate(site)}), expected this server's"
                " page. Open this server's page and use it there.",
            )
    return None


def _header_values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for header, value in scope["headers"] if header == name]


def _add_headers(headers: list[tuple[bytes, bytes]], *, private: bool) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    defaults = (*SECURITY_HEADERS, (b"cache-control", b"no-store")) if private else SECURITY_HEADERS
    return [*headers, *(header for header in defaults if header[0] not in present)]


def _abbreviate(value: bytes) -> str:
    return repr(value[:60].decode("ascii", "replace"))
