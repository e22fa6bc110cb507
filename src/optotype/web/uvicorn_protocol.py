"""The only module that uses undocumented attributes of uvicorn; policies are in `connection` and `server`.

`tests/web/test_uvicorn_protocol.py` lists every attribute and checks that the installed uvicorn has it.
pyproject.toml pins the minor versions of uvicorn and httptools that were tested.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from optotype.web.connection import ConnectionPolicy
from optotype.web.limits import Limits

StopServer = Callable[[int], None]
"""Stops the server gracefully, and at once if it is called a second time; its argument is the signal."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request for `ConnectionPolicy`."""

    cycle: RequestResponseCycle

    @property
    def has_response_started(self) -> bool:
        return self.cycle.response_started

    def close_afterwards(self) -> None:
        self.cycle.keep_alive = False

    def disconnect(self) -> None:
        self.cycle.disconnected = True
        self.cycle.message_event.set()


class LimitedProtocol(HttpToolsProtocol):
    """One connection; `make_protocol` creates the subclass with the server's limits."""

    limits: ClassVar[Limits]
    policy: ConnectionPolicy

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Open the connection."""
        super().connection_made(transport)
        self.policy = ConnectionPolicy(self.limits, transport, self.flow.resume_reading)
        self.policy.open(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify every pending request; uvicorn notifies only the last one."""
        self.policy.lose()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes within the limits."""
        if self.policy.begin_data(len(data)):
            super().data_received(data)
            self.policy.end_data(len(self.headers or ()))

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self.policy.begin_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. After a body it would be a trailer, which may be discarded (RFC 9110, section 6.5.1)."""
        if self.policy.phase == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the head, then start the application."""
        asks_upgrade = self.parser.should_upgrade()
        self.policy.check_head(self.url, self.headers, asks_upgrade=asks_upgrade)
        super().on_headers_complete()
        self.policy.end_head(_Request(self.cycle), asks_upgrade=asks_upgrade)

    def on_body(self, body: bytes) -> None:
        """Add bytes to the body."""
        self.policy.receive_body()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        self.policy.end_request()

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        self.policy.end_response()
        super().on_response_complete()
        if self.transport.is_closing():
            self.policy.start_write_timer()

    def shutdown(self) -> None:
        """Close the connection gracefully."""
        self.policy.stop()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self.policy.start_write_timer()

    def pause_writing(self) -> None:
        """Pause the application until the client reads, for a limited time."""
        super().pause_writing()
        self.policy.start_write_timer()

    def resume_writing(self) -> None:
        """Resume the application."""
        super().resume_writing()
        if not self.transport.is_closing():
            self.policy.stop_write_timer()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the policy's message says more than uvicorn's
        """Reject bytes that are not HTTP, or that raised `RejectedError`."""
        self.policy.reject_data()


def make_protocol(limits: Limits) -> type[LimitedProtocol]:
    """Return a protocol class with these limits, for ``uvicorn.Config(http=..., ws="none")``, which takes a class."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})


class Server(uvicorn.Server):
    """A uvicorn server that calls back when it listens, takes its own signal handlers, and cancels open requests.

    Args:
        config: uvicorn's configuration.
        on_started: Called when the server accepts connections.
        install_signal_handlers: Called in the event loop; its argument stops the server.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        on_started: Callable[[], None],
        install_signal_handlers: Callable[[StopServer], None],
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._install_signal_handlers = install_signal_handlers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then call back."""
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop gracefully, or cancel open requests at the second stop signal."""
        await super().shutdown(sockets)
        if self.force_exit:
            # At the second stop signal uvicorn would abandon open requests and the application.
            for task in self.server_state.tasks:
                task.cancel()
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
            await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install this server's signal handlers instead of uvicorn's."""
        self._install_signal_handlers(lambda number: self.handle_exit(number, None))
        yield
