"""The undocumented attributes of uvicorn that `optotype.web.uvicorn_protocol` uses.

A new version of uvicorn without one of them fails here. `test_connection.py` tests what they do.
"""

import ast
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from unittest.mock import Mock

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from optotype.web import uvicorn_protocol
from optotype.web.limits import Limits
from optotype.web.uvicorn_protocol import LimitedProtocol, Server, make_protocol

PROTOCOL_ATTRIBUTES: Final = {"connections", "cycle", "flow", "headers", "parser", "transport", "url"}
PROTOCOL_METHODS: Final = {
    "connection_lost",
    "connection_made",
    "data_received",
    "on_body",
    "on_header",
    "on_headers_complete",
    "on_message_begin",
    "on_message_complete",
    "on_response_complete",
    "pause_writing",
    "resume_writing",
    "send_400_response",
    "shutdown",
    "timeout_keep_alive_handler",
}
CYCLE_ATTRIBUTES: Final = {"disconnected", "keep_alive", "message_event", "response_started"}
SERVER_ATTRIBUTES: Final = {"force_exit", "lifespan", "server_state"}
SERVER_METHODS: Final = {"capture_signals", "handle_exit", "shutdown", "startup"}
OWN_ATTRIBUTES: Final = {"limits", "policy", "_install_signal_handlers", "_on_started"}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept every call and do nothing."""


@pytest.fixture
def protocol() -> HttpToolsProtocol:
    """Return uvicorn's protocol in the state of a new request."""
    made = HttpToolsProtocol(uvicorn.Config(app, ws="none"), ServerState(), {}, Mock())
    made.on_message_begin()
    return made


def test_every_used_attribute_is_listed() -> None:
    """The attributes that the module reads from `self`, `super()` and `cycle` are those of this test."""
    tree = ast.parse(Path(uvicorn_protocol.__file__).read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self", "super()", "self.cycle"}
    }
    inherited = PROTOCOL_ATTRIBUTES | CYCLE_ATTRIBUTES | SERVER_ATTRIBUTES | SERVER_METHODS
    assert used <= inherited | PROTOCOL_METHODS | OWN_ATTRIBUTES | {"__init__"}
    assert inherited - used <= {"capture_signals"}


@pytest.mark.parametrize("name", sorted(PROTOCOL_ATTRIBUTES))
def test_protocol_has_attribute(protocol: HttpToolsProtocol, name: str) -> None:
    """Uvicorn's protocol has every attribute that is used."""
    assert hasattr(protocol, name)


def test_protocol_attributes_have_their_types(protocol: HttpToolsProtocol) -> None:
    """The types of the attributes are those that the limits rely on."""
    state: dict[str, Any] = {name: getattr(protocol, name) for name in PROTOCOL_ATTRIBUTES}
    assert (state["url"], state["headers"], state["connections"]) == (b"", [], set())
    assert callable(state["parser"].should_upgrade)


@pytest.mark.parametrize("name", sorted(PROTOCOL_METHODS))
def test_overridden_protocol_method_exists(name: str) -> None:
    """Each overridden method exists in uvicorn's class with the same parameters."""
    own, inherited = getattr(LimitedProtocol, name), getattr(HttpToolsProtocol, name)
    assert own is not inherited
    assert list(inspect.signature(own).parameters) == list(inspect.signature(inherited).parameters)


@pytest.mark.parametrize("name", sorted(CYCLE_ATTRIBUTES))
def test_cycle_has_attribute(name: str) -> None:
    """Uvicorn's request cycle has every attribute that is used."""
    parameters = list(inspect.signature(RequestResponseCycle).parameters)
    assert hasattr(RequestResponseCycle(**{parameter: Mock() for parameter in parameters}), name)


def test_server_has_its_attributes() -> None:
    """Uvicorn's server has every attribute that is used, and each overridden method with the same parameters."""
    server = uvicorn.Server(uvicorn.Config(app))
    assert server.force_exit is False
    assert server.server_state.tasks == set()
    # uvicorn sets it in `serve`.
    assert "self.lifespan = " in inspect.getsource(uvicorn.Server)
    assert list(inspect.signature(server.handle_exit).parameters) == ["sig", "frame"]
    for name in ("startup", "shutdown", "capture_signals"):
        own, inherited = getattr(Server, name), getattr(uvicorn.Server, name)
        assert own is not inherited
        assert list(inspect.signature(own).parameters) == list(inspect.signature(inherited).parameters)


@pytest.mark.parametrize("name", ["uvicorn", "httptools"])
def test_dependencies_are_pinned_to_tested_minor_versions(name: str) -> None:
    """pyproject.toml allows only the installed minor version, with which these tests run."""
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    (requirement,) = [
        dependency
        for dependency in pyproject["project"]["dependencies"]
        if dependency.startswith(f"{name}>=")
    ]
    assert "<" in requirement
    assert version(name)


def test_each_server_has_its_own_limits() -> None:
    """Two protocol classes with different limits do not share them."""
    limits = Limits(connections=8)
    assert make_protocol(limits).limits is limits
    assert make_protocol(Limits()).limits == Limits()
