"""A server on 127.0.0.1 that runs an ASGI application like `optotype serve`, and raw HTTP requests to it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from optotype.web.limits import Limits
from optotype.web.uvicorn_protocol import make_protocol

TIMEOUT_SECONDS: Final = 60.0
"""Time after which a test fails; nothing that works takes as long."""


class RunningServer(NamedTuple):
    """A running server.

    Attributes:
        port: Its port.
        connections: The open connections, as counted by uvicorn.
    """

    port: int
    connections: set[object]


@contextmanager
def run_server(
    app: ASGIApp,
    limits: Limits,
    loop: Literal["asyncio", "uvloop"] = "uvloop",
    lifespan: Literal["on", "off"] = "off",
) -> Iterator[RunningServer]:
    """Serve an application in a thread."""
    config = uvicorn.Config(
        app,
        http=make_protocol(limits),
        ws="none",
        loop=loop,
        lifespan=lifespan,
        log_config=None,
        timeout_keep_alive=1,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield RunningServer(port, server.server_state.connections)  # type: ignore[arg-type] # sets are invariant
        finally:
            server.should_exit = True
            thread.join(TIMEOUT_SECONDS)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must become true."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def connect(port: int) -> socket.socket:
    """Connect to a port of this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)


def exchange(port: int, request: bytes) -> bytes:
    """Send bytes and return everything that arrives until the server closes the connection."""
    with connect(port) as client:
        # A server that rejects a request may stop reading; its response must arrive all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(request)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """Return everything that arrives until the server closes the connection."""
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


def parse_status(response: bytes) -> int:
    """Return the status of a response; 0 if there is none."""
    return int(response.split(b" ", 2)[1]) if response else 0
