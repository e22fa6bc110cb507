"""Strings that name what the server could open, if it opened anything."""

import socket
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.hostile.sending import FORM, GOOD, PATHS, as_json, form, refused, sent

_opened: list[str] = []


@pytest.fixture(scope="module")
def opened() -> list[str]:
    """Give the list of what this process opens from now on."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        # For the rest of the process: there is no way to take one out.
        if event == "open":
            _opened.append(str(arguments[0]))

    sys.addaudithook(note)
    return _opened


@pytest.mark.parametrize("path", PATHS)
def test_paths_and_addresses_are_not_followed(
    client: TestClient, tmp_path: Path, path: str, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A string that names a picture there is, in a file or on a server, is refused, and neither is opened."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "seven123"
    file.write_bytes(GOOD)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        # The first of them is Base64, too.
        names = ["seven123", str(file), file.as_uri(), "./seven123", "/etc/passwd", "/dev/zero"]
        names += [f"http://{address}/a.png", f"//{address}/a.png", f"ftp://{address}/a.png"]
        assert Path(names[0]).read_bytes() == GOOD
        assert "seven123" in opened
        opened.clear()
        for name in names:
            refused(sent(client, as_json([name]), "application/json", path), 422, "Image 0")
            refused(sent(client, name.encode(), "image/png", path), 422, "The image")
            refused(
                sent(client, form(('name="images"; filename="a"', name.encode())), FORM, path),
                422,
                "The image",
            )
        assert not [each for each in opened if "seven123" in each or each in names]
        with pytest.raises(TimeoutError):
            listener.accept()
