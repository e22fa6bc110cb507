"""What `optotype serve` rejects before it starts; tests/end_to_end/test_serve.py tests the running server."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_missing_target_is_an_error(command: Command, tmp_path: Path) -> None:
    """A missing target is named, as JSON with --json."""
    result = command("serve", str(tmp_path / "nowhere"), "--port", "0", "--json")
    assert result.code == 1
    assert "nowhere" in json.loads(result.out)["error"]["message"]


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_invalid_port_is_a_usage_error(command: Command, port: str) -> None:
    """A port is a number from 0 to 65535."""
    result = command("serve", "run", "--port", port)
    assert result.code == 2
    assert "--port" in result.err


def test_reachable_host_requires_a_token(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that other machines can reach requires a token; this is checked before the target is opened."""
    monkeypatch.delenv("OPTOTYPE_TOKEN", raising=False)
    result = command("serve", "run", "--host", "192.0.2.1")
    assert result.code == 1
    assert "--token" in result.err
    assert "OPTOTYPE_TOKEN" in result.err


def test_short_token_is_an_error(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short token, also from the environment, is rejected without being printed."""
    monkeypatch.setenv("OPTOTYPE_TOKEN", "sesame")
    result = command("serve", "run")
    assert result.code == 1
    assert "at least 16" in result.err
    assert "sesame" not in result.err
