"""An HTTP server for the load generators, which sends given responses."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

IMAGE = b"\x89PNG, or so it says"
OK = b'HTTP/1.1 200 OK\r\ncontent-length: 41\r\n\r\n{"predictions": [{"label": "7", "x": 0}]}'
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
WITHOUT_RETRY_AFTER = BUSY.replace(b"Retry-After: 1\r\n", b"")
CLOSING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@contextmanager
def serve_responses(respond: Callable[[int], bytes]) -> Iterator[str]:
    """Run a server that sends `respond(n)` for request number n; an empty response closes the connection."""
    numbers = count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.rfile.read(int(self.headers["Content-Length"])) == IMAGE
            response = respond(next(numbers))
            self.wfile.write(response)
            self.close_connection = response in {b"", CLOSING}

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/predict"
        finally:
            server.shutdown()
            thread.join()
