"""A server on 127.0.0.1 that runs an ASGI application as `optotype serve` does, and raw requests to it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from optotype.web.limits import Limits
from optotype.web.protocol import bounded

PATIENCE: Final = 60.0
"""Seconds after which a test gives up; nothing that works takes as long."""


class Listening(NamedTuple):
    """A running server.

    Attributes:
        port: Where it listens.
        connections: Those that are open, as uvicorn counts them.
    """

    port: int
    connections: set[object]


@contextmanager
def listening(
    app: ASGIApp,
    limits: Limits,
    loop: Literal["asyncio", "uvloop"] = "uvloop",
    lifespan: Literal["on", "off"] = "off",
) -> Iterator[Listening]:
    """Serve an application in a thread."""
    config = uvicorn.Config(
        app,
        http=bounded(limits),
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
            until(lambda: server.started)
            yield Listening(port, server.server_state.connections)  # type: ignore[arg-type] # sets are invariant
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that must come to hold."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def connected(port: int) -> socket.socket:
    """Connect."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def exchange(port: int, sent: bytes) -> bytes:
    """Send, and give all that comes until the server closes the connection."""
    with connected(port) as client:
        # A server that refuses need not read on; its answer must arrive all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
        return rest(client)


def rest(client: socket.socket) -> bytes:
    """Give all that comes until the server closes the connection."""
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


def status(answer: bytes) -> int:
    """Give the status of an answer; 0 where there was none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0
