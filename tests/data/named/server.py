"""A server on 127.0.0.1 that sends a file correctly or not, following a list of responses."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler, bytes, int], None]
"""Handles a request: the handler, the file, and the start of the requested range."""


class Server:
    """A running server.

    Attributes:
        address: Of the file.
        ranges: The Range header of each request so far, None where there was none.
    """

    def __init__(self, content: bytes, answers: list[Answer]) -> None:
        self.ranges: list[str | None] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers["Range"]
                answer = answers[min(len(outer.ranges), len(answers) - 1)]
                outer.ranges.append(asked)
                start = re.fullmatch(r"bytes=(\d+)-", asked or "")
                answer(self, content, int(start[1]) if start else 0)

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
def serving(content: bytes, *answers: Answer) -> Iterator[Server]:
    """Serve a file: each request gets the next response, and the last response is repeated."""
    server = Server(content, list(answers) or [whole])
    try:
        yield server
    finally:
        server.close()


def whole(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    """Send the requested bytes."""
    if start >= len(content):
        status(416)(handler, content, start)
        return
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    _send(handler, content[start:], promised=len(content) - start)


def ignoring_range(handler: BaseHTTPRequestHandler, content: bytes, _: int) -> None:
    """Send the whole file for every request."""
    whole(handler, content, 0)


def dying(after: int) -> Answer:
    """Announce the requested bytes, and close the connection after some of them."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        _send(handler, content[start : start + after], promised=len(content) - start)

    return answer


def giving(other: bytes, *, promised: int | None = None) -> Answer:
    """Send other bytes; with a length only if one is given."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes, __: int) -> None:
        handler.send_response(200)
        _send(handler, other, promised)

    return answer


def of_wrong_range(handler: BaseHTTPRequestHandler, content: bytes, _: int) -> None:
    """Send another range than the requested one."""
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 1-{len(content) - 1}/{len(content)}")
    _send(handler, content[1:], promised=len(content) - 1)


def status(code: int) -> Answer:
    """Send only a status."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes, __: int) -> None:
        handler.send_response(code)
        _send(handler, b"", promised=0)

    return answer


def redirecting(to: str) -> Answer:
    """Send a redirect."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes, __: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        _send(handler, b"", promised=0)

    return answer


def hanging(after: int | None = None) -> Answer:
    """Send nothing, or nothing after some bytes, until the test ends."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        if after is not None:
            dying(after)(handler, content, start)
            handler.wfile.flush()
        handler.server.closing.wait(10)  # type: ignore[attr-defined] # set above

    return answer


def dripping(handler: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    """Send a byte at a time, slowly, until the client closes the connection."""
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    _send(handler, b"", promised=len(content) - start)
    for place in range(start, len(content)):
        handler.wfile.write(content[place : place + 1])
        handler.wfile.flush()
        if handler.server.closing.wait(0.02):  # type: ignore[attr-defined] # set above
            break


def _send(handler: BaseHTTPRequestHandler, body: bytes, promised: int | None) -> None:
    if promised is not None:
        handler.send_header("Content-Length", str(promised))
    handler.end_headers()
    handler.wfile.write(body)
