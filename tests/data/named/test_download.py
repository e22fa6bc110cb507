"""Downloads from correct and faulty servers."""

import hashlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from urllib.request import Request

import pytest

from optotype.data.named import download
from optotype.data.named.download import RemoteFile, download_file, verify_file
from optotype.errors import DataError
from tests.data.named.server import (
    ResponseHandler,
    complete,
    disconnecting,
    hanging,
    ignoring_range,
    of_wrong_range,
    redirecting,
    sending,
    serving,
    status,
    trickling,
)

CONTENT = bytes(range(256)) * 40
N = len(CONTENT)
WRONG_CONTENT = CONTENT[::-1]


@pytest.fixture(autouse=True)
def local_server_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use the local server without a proxy, and a short time limit."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    yield
    assert not [thread for thread in threading.enumerate() if "serve_forever" in thread.name]


def _original(*addresses: str, content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile("file", len(content), hashlib.sha256(content).hexdigest(), addresses)


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_file_is_downloaded_once(tmp_path: Path) -> None:
    """The file is stored in a new folder, progress reaches the last byte, and there is no second request."""
    reports: list[tuple[str, int, int]] = []
    target = tmp_path / "new" / "file"
    with serving(CONTENT) as server:
        for _ in range(2):
            download_file(_original(server.address), target, lambda *report: reports.append(report))
        assert server.ranges == [None]
    assert target.read_bytes() == CONTENT
    assert _files(target.parent) == ["file"]
    assert reports[-1] == ("Downloading file", N, N)
    assert [done for _, done, _ in reports] == sorted({done for _, done, _ in reports})


@pytest.mark.parametrize(
    ("responses", "ranges"),
    [
        ([disconnecting(1000), complete], [None, "bytes=1000-"]),
        ([disconnecting(1000), disconnecting(500), complete], [None, "bytes=1000-", "bytes=1500-"]),
        ([hanging(1000), complete], [None, "bytes=1000-"]),
        ([disconnecting(1000), ignoring_range], [None, "bytes=1000-"]),
        ([disconnecting(1000), of_wrong_range, complete], [None, "bytes=1000-", None]),
        ([disconnecting(1000), status(416), complete], [None, "bytes=1000-", None]),
        ([disconnecting(1000), sending(WRONG_CONTENT), complete], [None, "bytes=1000-", None]),
        ([disconnecting(1000), sending(CONTENT + b"more"), complete], [None, "bytes=1000-", None]),
    ],
)
def test_broken_download_is_resumed(
    tmp_path: Path, responses: list[ResponseHandler], ranges: list[str | None]
) -> None:
    """Received bytes are not requested again, unless the server ignores ranges or sent a different file."""
    with serving(CONTENT, *responses) as server:
        download_file(_original(server.address), tmp_path / "file")
        assert server.ranges == ranges
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert _files(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("respond", "message", "n_received"),
    [
        (status(404), "responds 404 Not Found", None),
        (status(503), "responds 503", None),
        (status(204), "responds 204", None),
        (hanging(), "cannot be reached .*timed out", None),
        (sending(WRONG_CONTENT, content_length=N), "sent a different file, with SHA-256 [0-9a-f]{64}", None),
        (sending(WRONG_CONTENT), "sent a different file", None),
        (sending(CONTENT + b"!"), f"sent more than {N:,} bytes", None),
        (sending(CONTENT + b"!", content_length=N + 1), f"offers {N + 1} bytes, expected {N}", None),
        (sending(b"<html>Log in</html>", content_length=19), f"offers 19 bytes, expected {N}", None),
        (sending(CONTENT[:99]), "stopped after 99 bytes", 99),
        (of_wrong_range, "sent the wrong range, bytes 1-", None),
        (redirecting("http://127.0.0.1:1/file"), "redirects to http://127.0.0.1:1/file, which is not", None),
        (redirecting("file:///etc/passwd"), "responds 302 .*file:///etc/passwd' is not allowed", None),
        (redirecting("ftp://127.0.0.1/file"), "redirects to ftp://", None),
    ],
)
def test_faulty_response_raises_data_error(
    tmp_path: Path, respond: ResponseHandler, message: str, n_received: int | None
) -> None:
    """No file is stored; the message has address and fault; only a correct beginning is kept."""
    with serving(CONTENT, respond) as server, pytest.raises(DataError, match=f"{server.address} {message}"):
        download_file(_original(server.address), tmp_path / "file")
    assert _files(tmp_path) == ([] if n_received is None else ["file.part"])
    assert n_received is None or (tmp_path / "file.part").read_bytes() == CONTENT[:n_received]


def test_server_that_closes_every_connection_is_abandoned(tmp_path: Path) -> None:
    """A server that closes every connection gets a limited number of requests, and its bytes are kept."""
    with serving(CONTENT, disconnecting(10)) as server, pytest.raises(DataError, match="stopped after"):
        download_file(_original(server.address), tmp_path / "file")
    assert 1 < len(server.ranges) < 10
    assert (tmp_path / "file.part").read_bytes() == CONTENT[: 10 * len(server.ranges)]


def test_very_slow_server_is_abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A very slow server is given up for the next one, which continues the download."""
    monkeypatch.setattr(download, "WINDOW", 0.1)
    with serving(CONTENT, trickling) as slow:
        with pytest.raises(DataError, match=r"is too slow: \d+ bytes in 0 s"):
            download_file(_original(slow.address), tmp_path / "file")
        assert (tmp_path / "file.part").stat().st_size < 200
    with serving(CONTENT) as server:
        download_file(_original(server.address), tmp_path / "file")
        assert server.ranges[0] is not None
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_unreachable_server_raises_data_error(tmp_path: Path) -> None:
    """If no server listens, the message says so, and what to do."""
    with serving(CONTENT) as server:
        address = server.address
    with pytest.raises(DataError, match=r"cannot be reached .*refused.*Check the network and try again"):
        download_file(_original(address), tmp_path / "file")


def test_mirrors_are_tried_in_turn(tmp_path: Path) -> None:
    """The second mirror continues where the first stopped; if all fail, the message lists every response."""
    with serving(CONTENT, disconnecting(1000), status(404)) as first, serving(CONTENT) as second:
        download_file(_original(first.address, second.address), tmp_path / "file")
        assert second.ranges == ["bytes=1000-"]
    assert (tmp_path / "file").read_bytes() == CONTENT
    with serving(CONTENT, status(404)) as first, serving(CONTENT, status(500)) as second:
        with pytest.raises(DataError, match="responds 404") as excinfo:
            download_file(_original(first.address, second.address), tmp_path / "another")
        assert "responds 500" in str(excinfo.value)


@pytest.mark.parametrize("partial", [CONTENT[:70], WRONG_CONTENT[:70], WRONG_CONTENT, CONTENT + b"!", b""])
def test_interrupted_download_resumes(tmp_path: Path, partial: bytes) -> None:
    """After any earlier attempt, correct or not, the file is correct."""
    (tmp_path / "file.part").write_bytes(partial)
    with serving(CONTENT) as server:
        download_file(_original(server.address), tmp_path / "file")
        assert partial != CONTENT[:70] or server.ranges == ["bytes=70-"]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_ctrl_c_keeps_received_bytes(tmp_path: Path) -> None:
    """An interrupted download keeps its beginning, and stores no file under the final name."""

    def stop(_: str, __: int, ___: int) -> None:
        raise KeyboardInterrupt

    with serving(CONTENT) as server, pytest.raises(KeyboardInterrupt):
        download_file(_original(server.address), tmp_path / "file", stop)
    assert _files(tmp_path) == ["file.part"]
    assert CONTENT.startswith((tmp_path / "file.part").read_bytes())


def test_concurrent_downloads_make_one_request(tmp_path: Path) -> None:
    """Four threads that need the same file make one request."""
    with serving(CONTENT) as server, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: download_file(_original(server.address), tmp_path / "file"), range(4)))
        assert server.ranges == [None]


def test_unwritable_disk_raises_data_error(tmp_path: Path) -> None:
    """If the file cannot be written, the message has the folder, the size and how to move the cache."""
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(DataError, match=f"cannot be written to .*{N:,} bytes of free space.*OPTOTYPE_HOME"):
        download_file(_original("http://127.0.0.1:1/"), tmp_path / "folder" / "file")


def test_redirect_to_https_is_followed() -> None:
    """A redirect to https is followed, with the same range."""
    request = Request("https://example.org/file", headers={"Range": "bytes=7-"})
    handler = download._HttpsOnly()
    redirected = handler.redirect_request(
        request, io.BytesIO(), 302, "Found", Message(), "https://example.org/there"
    )
    assert redirected is not None
    assert redirected.full_url == "https://example.org/there"
    assert redirected.headers["Range"] == "bytes=7-"


def test_local_file_is_verified(tmp_path: Path) -> None:
    """A file is accepted only with the published size and hash; else the message has both values."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    verify_file(_original("https://example.org/file"), path)
    for content, actual in ((WRONG_CONTENT, "[0-9a-f]{64}"), (CONTENT[1:], f"{N - 1:,} bytes")):
        path.write_bytes(content)
        with pytest.raises(
            DataError, match=f"is not the published file: it has {actual}; expected {N:,} bytes"
        ):
            verify_file(_original("https://example.org/file"), path)
    with pytest.raises(DataError, match="cannot be read"):
        verify_file(_original("https://example.org/file"), tmp_path / "none")
