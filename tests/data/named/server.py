"""A server on 127.0.0.1 that sends a file correctly or not, following a list of responses."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ResponseHandler = Callable[[BaseHTTPRequestHandler, bytes, int], None]
"""Handles a request: the handler, the file, and the start of the requested range."""


class Server:
    """A running server.

    Attributes:
        address: Of the file.
        ranges: The Range header of each request so far, None if there was none.
    """

    def __init__(self, content: bytes, responses: list[ResponseHandler]) -> None:
        self.ranges: list[str | None] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                range_header = self.headers["Range"]
                respond = responses[min(len(outer.ranges), len(responses) - 1)]
                outer.ranges.append(range_header)
                start = re.fullmatch(r"bytes=(\d+)-", range_header or "")
                respond(self, content, int(start[1]) if start else 0)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.closing = self.closing  # type: ignore[attr-defined] # for answers that wait
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client may hang up
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/file"

    def close(self) -> None:
        """Stop the server."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def serving(content: bytes, *responses: ResponseHandler) -> Iterator[Server]:
    """Serve a file: each request gets the next response, and the last response is repeated."""
    server = Server(content, list(responses) or [complete])
    try:
        yield server
    finally:
        server.close()


def complete(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    """Send the requested bytes."""
    if start >= len(content):
        status(416)(handler, content, start)
        return
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    _send(handler, content[start:], content_length=len(content) - start)


def ignoring_range(handler: BaseHTTPRequestHandler, content: bytes, _: int) -> None:
    """Send the whole file for every request."""
    complete(handler, content, 0)


def disconnecting(n_bytes: int) -> ResponseHandler:
    """Announce the requested bytes, and close the connection after some of them."""

    def respond(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        _send(handler, content[start : start + n_bytes], content_length=len(content) - start)

    return respond


def sending(body: bytes, *, content_length: int | None = None) -> ResponseHandler:
    """Send the given bytes; without a Content-Length header if no length is given."""

    def respond(handler: BaseHTTPRequestHandler, _: bytes, __: int) -> None:
        handler.send_response(200)
        _send(handler, body, content_length)

    return respond


def of_wrong_range(handler: BaseHTTPRequestHandler, content: bytes, _: int) -> None:
    """Send a different range from the requested one."""
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 1-{len(content) - 1}/{len(content)}")
    _send(handler, content[1:], content_length=len(content) - 1)


def status(code: int) -> ResponseHandler:
    """Send only a status."""

    def respond(handler: BaseHTTPRequestHandler, _: bytes, __: int) -> None:
        handler.send_response(code)
        _send(handler, b"", content_length=0)

    return respond


def redirecting(location: str) -> ResponseHandler:
    """Send a redirect."""

    def respond(handler: BaseHTTPRequestHandler, _: bytes, __: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        _send(handler, b"", content_length=0)

    return respond


def hanging(n_bytes: int | None = None) -> ResponseHandler:
    """Send nothing, or nothing after some bytes, until the test ends."""

    def respond(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        if n_bytes is not None:
            disconnecting(n_bytes)(handler, content, start)
            handler.wfile.flush()
        handler.server.closing.wait(10)  # type: ignore[attr-defined] # set above

    return respond


def trickling(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    """Send a byte at a time, slowly, until the client closes the connection."""
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    _send(handler, b"", content_length=len(content) - start)
    for position in range(start, len(content)):
        handler.wfile.write(content[position : position + 1])
        handler.wfile.flush()
        if handler.server.closing.wait(0.02):  # type: ignore[attr-defined] # set above
            break


def _send(handler: BaseHTTPRequestHandler, body: bytes, content_length: int | None) -> None:
    if content_length is not None:
        handler.send_header("Content-Length", str(content_length))
    handler.end_headers()
    handler.wfile.write(body)
