"""Paths and URLs in requests, which the server must not open."""

import socket
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.hostile.requests import FORM, GOOD, PATHS, as_json, assert_rejected, form, post

_opened_paths: list[str] = []


@pytest.fixture(scope="module")
def opened_paths() -> list[str]:
    """Return the list of paths that this process opens from now on."""

    def record(event: str, arguments: tuple[object, ...]) -> None:
        # The hook stays for the rest of the process: Python cannot remove audit hooks.
        if event == "open":
            _opened_paths.append(str(arguments[0]))

    sys.addaudithook(record)
    return _opened_paths


@pytest.mark.parametrize("path", PATHS)
def test_paths_and_urls_are_not_opened(
    client: TestClient, tmp_path: Path, path: str, opened_paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path or URL of an existing image is rejected, and neither the file nor the server is opened."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "seven123"
    file.write_bytes(GOOD)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        # The first name is also valid Base64.
        names = ["seven123", str(file), file.as_uri(), "./seven123", "/etc/passwd", "/dev/zero"]
        names += [f"http://{address}/a.png", f"//{address}/a.png", f"ftp://{address}/a.png"]
        assert Path(names[0]).read_bytes() == GOOD
        assert "seven123" in opened_paths
        opened_paths.clear()
        for name in names:
            assert_rejected(post(client, as_json([name]), "application/json", path), 422, "Image 0")
            assert_rejected(post(client, name.encode(), "image/png", path), 422, "The image")
            assert_rejected(
                post(client, form(('name="images"; filename="a"', name.encode())), FORM, path),
                422,
                "The image",
            )
        assert not [opened for opened in opened_paths if "seven123" in opened or opened in names]
        with pytest.raises(TimeoutError):
            listener.accept()
