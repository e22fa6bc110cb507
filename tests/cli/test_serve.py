"""What `optotype serve` refuses before it serves; tests/end_to_end/test_serve.py has the server itself."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_what_is_not_there_is_not_served(command: Command, tmp_path: Path) -> None:
    """A target that is nowhere is named, as JSON where that was asked for."""
    done = command("serve", str(tmp_path / "nowhere"), "--port", "0", "--json")
    assert done.code == 1
    assert "nowhere" in json.loads(done.out)["error"]["message"]


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_a_port_that_is_none_is_refused(command: Command, port: str) -> None:
    """A port is a number up to 65535."""
    done = command("serve", "run", "--port", port)
    assert done.code == 2
    assert "--port" in done.err


def test_other_machines_need_a_token(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that others reach demands a token, which is looked at before the target is."""
    monkeypatch.delenv("OPTOTYPE_TOKEN", raising=False)
    done = command("serve", "run", "--host", "192.0.2.1")
    assert done.code == 1
    assert "--token" in done.err
    assert "OPTOTYPE_TOKEN" in done.err


def test_a_token_that_is_guessed_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short token is refused without being repeated, from the environment too."""
    monkeypatch.setenv("OPTOTYPE_TOKEN", "sesame")
    done = command("serve", "run")
    assert done.code == 1
    assert "at least 16" in done.err
    assert "sesame" not in done.err
