"""The process: a socket, a loop, and the signals that stop it or load the model again."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn
import uvloop

from optotype.errors import ServeError
from optotype.web.app import make_app
from optotype.web.guard import check_token, is_loopback
from optotype.web.limits import Limits
from optotype.web.protocol import bounded
from optotype.web.service import Service

_GRACE: Final = 30
"""Seconds that open requests have to end when the server is stopped."""
_FILES: Final = 256
"""Files beside the connections: the program's own, and forms that lie on the disk."""
_BACKLOG: Final = 2048
_ACCEPTING: Final = 32
"""Copies of the listening socket: uvloop lets in one client of each in a round of its loop. With one copy, the last of
a thousand clients that come at once were let in half a minute after the first, who had been answered many times."""
_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound by this
"""Where this machine reaches what listens on all of its addresses; those are no destination (RFC 1122, 3.2.1.3)."""


@dataclass(frozen=True)
class Settings:
    """How a server is started.

    Attributes:
        target: The run folder or model file to serve.
        host: The address to listen on.
        port: The port; 0 for any free one.
        token: What every request must bring; needed where others than this machine can ask.
        collect: The folder where corrections are kept; None to take none.
        limits: What the server takes on.
    """

    target: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    collect: Path | None = None
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings, started: Callable[[Service, str], None]) -> None:
    """Serve a model until the process is told to stop: by SIGINT or SIGTERM; SIGHUP loads the model again.

    Requests that were taken on are answered before it ends, as far as that takes no more than half a minute.

    Args:
        settings: What to serve, and where.
        started: Called with the service and its address once it can be asked.

    Raises:
        ServeError: The address cannot be had, or may not be without a token.
        RunError: There is nothing to serve.
        ModelError: The model is damaged.
        DataError: The folder cannot take corrections.
    """
    if settings.token is not None:
        check_token(settings.token)
    if not is_loopback(settings.host) and settings.token is None:
        raise ServeError(
            f"The host {settings.host} can be reached from other machines, and no token was given. Expected --token, or"
            " the environment variable OPTOTYPE_TOKEN, with at least 16 characters that nobody guesses; or leave"
            " --host out, so that only this machine can ask."
        )
    _allow_files(settings.limits)
    with _listening(settings) as listener:
        service = Service(settings.target, settings.limits, settings.collect)
        app = make_app(service, settings.host, settings.token)
        config = uvicorn.Config(
            app,
            http=bounded(settings.limits),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
            backlog=_BACKLOG,
        )
        server = _Server(config, service, lambda: started(service, _address(listener)))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[listener, *(listener.dup() for _ in range(_ACCEPTING - 1))]))


class _Server(uvicorn.Server):
    """Uvicorn's server, with signals of its own: it ends well when it is told to stop, and loads the model again."""

    def __init__(self, config: uvicorn.Config, service: Service, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = service
        self._started = started
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:
            # Told twice to stop. Uvicorn would leave the requests and the application as they are.
            for task in self.server_state.tasks:
                task.cancel()
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
            await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        at_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()
        loop.add_signal_handler(signal.SIGHUP, self._hang_up, at_terminal)
        yield

    def _stop(self, number: int) -> None:
        self._service.stopping = True
        self.handle_exit(number, None)

    def _hang_up(self, at_terminal: bool) -> None:  # noqa: FBT001 - signal handlers take no names
        """Load the model again; or stop, where the terminal that the server was started in has been closed."""
        if at_terminal and not _has_terminal():
            self._stop(signal.SIGTERM)
            return
        task = asyncio.get_running_loop().create_task(self._service.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _has_terminal() -> bool:
    """Tell whether the process has a terminal that controls it; with nohup SIGHUP is ignored besides."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _allow_files(limits: Limits) -> None:
    """Let the process open as many files as there may be connections, and those that are being refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * limits.connections + _FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """Take the address, before the model is loaded."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        # Python repeats the address in brackets behind the reason.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        raise ServeError(
            f"{settings.host} port {settings.port} cannot be listened on: {reason}. Expected an address of this machine"
            " and a free port; --port 0 takes any."
        ) from None
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    """Give the address for a browser of this machine, also where the server listens on all of the machine's."""
    host, port = listener.getsockname()[:2]
    host = _HERE.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
