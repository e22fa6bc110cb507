"""The server process: its listening socket, event loop and signals."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
import uvloop

from optotype.errors import ServeError
from optotype.web.app import make_app
from optotype.web.guard import check_token, is_loopback
from optotype.web.limits import Limits
from optotype.web.service import Service
from optotype.web.uvicorn_protocol import Server, StopServer, make_protocol

_SHUTDOWN_SECONDS: Final = 30
"""Time in which running requests must end when the server stops."""
_EXTRA_FILES: Final = 256
"""Open files in addition to connections: the program's own, and uploads stored on disk."""
_BACKLOG: Final = 2048
_LISTENERS: Final = 32
"""Duplicates of the listening socket. uvloop accepts one connection per socket in each iteration of its event loop.
With a single socket and 1000 simultaneous clients, the last one was accepted 30 seconds after the first."""
_LOOPBACK_OF_WILDCARD: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - no socket is bound here
"""Destination address for a server that listens on all addresses: a wildcard is not one (RFC 1122, 3.2.1.3)."""


@dataclass(frozen=True)
class Settings:
    """Settings of a server.

    Attributes:
        target: The run folder or model file to serve.
        host: The address to listen on.
        port: The port; 0 for any free port.
        token: The token that requests must send; required if other machines can reach the host.
        corrections_folder: The folder where corrections are saved; None to accept none.
        limits: Limits of the server.
    """

    target: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    corrections_folder: Path | None = None
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings, started: Callable[[Service, str], None]) -> None:
    """Serve a model until SIGINT or SIGTERM; SIGHUP reloads the model.

    Accepted requests are answered before the server ends, within 30 seconds.

    Args:
        settings: The settings.
        started: Called with the service and its address when the server accepts requests.

    Raises:
        ServeError: If the address is not available, or requires a token and there is none.
        RunError: If the target does not exist or is damaged.
        ModelError: If the model is damaged.
        DataError: If the folder cannot take corrections.
    """
    if settings.token is not None:
        check_token(settings.token)
    if not is_loopback(settings.host) and settings.token is None:
        raise ServeError(
            f"Host {settings.host} is reachable from other machines, which requires a token. Pass --token (at least 16"
            " characters) or set OPTOTYPE_TOKEN, or leave out --host to accept only this machine."
        )
    _raise_file_limit(settings.limits)
    with _listen(settings) as listener:
        service = Service(settings.target, settings.limits, settings.corrections_folder)
        config = uvicorn.Config(
            make_app(service, settings.host, settings.token),
            http=make_protocol(settings.limits),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            backlog=_BACKLOG,
        )
        server = Server(
            config,
            on_started=lambda: started(service, _browser_address(listener)),
            install_signal_handlers=partial(_install_signal_handlers, service),
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[listener, *(listener.dup() for _ in range(_LISTENERS - 1))]))


def _install_signal_handlers(service: Service, stop_server: StopServer) -> None:
    """Stop the server at SIGINT and SIGTERM; at SIGHUP reload the model, or stop if its terminal was closed."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def stop(number: int) -> None:
        service.is_stopping = True
        stop_server(number)

    def reload_or_stop() -> None:
        if was_started_in_terminal and not _has_terminal():
            stop(signal.SIGTERM)
            return
        task = loop.create_task(service.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    was_started_in_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()
    loop.add_signal_handler(signal.SIGHUP, reload_or_stop)


def _has_terminal() -> bool:
    """Return whether the process has a controlling terminal; nohup also makes it ignore SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _raise_file_limit(limits: Limits) -> None:
    """Raise the process's limit of open files to the number of connections, including those being rejected."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * limits.connections + _EXTRA_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


@contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    """Bind the address before the model is loaded."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        # Python repeats the address in brackets after the reason.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        raise ServeError(
            f"Cannot listen on {settings.host} port {settings.port}: {reason}. Expected an address of this machine and"
            " a free port; --port 0 uses any free port."
        ) from None
    with listener:
        yield listener


def _browser_address(listener: socket.socket) -> str:
    """Return the server's URL for a browser on this machine, also if it listens on all addresses."""
    host, port = listener.getsockname()[:2]
    host = _LOOPBACK_OF_WILDCARD.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
