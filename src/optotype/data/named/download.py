"""Download of a published file: resumed after an interruption, verified by size and SHA-256, and stored atomically.

A download grows in NAME.part beside its target and gets the target's name only when its hash is correct. Servers are
not trusted: a redirect must lead to https, no more bytes are accepted than were published, and the next mirror is
tried if a server sends nothing for TIMEOUT seconds, or too little in any period of WINDOW seconds.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Final

from optotype.errors import DataError
from optotype.progress import ProgressCallback
from optotype.storage.locks import locked

TIMEOUT: Final = 30.0
WINDOW: Final = 60.0
"""Seconds in which at least `_MIN_BYTES` must arrive."""
_MIN_BYTES: Final = 60 << 10
_CHUNK: Final = 1 << 20
_MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Attributes:
        name: Its file name.
        size: Its size in bytes.
        sha256: Its published SHA-256, in hexadecimal.
        urls: Its https addresses, the authors' own first, then mirrors.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


class _MirrorError(Exception):
    """A server does not provide the file; another one may."""


def download_file(remote: RemoteFile, target: Path, progress: ProgressCallback | None = None) -> None:
    """Download a file, unless it exists.

    Processes that need the same file wait for each other. The bytes of an interrupted download are kept, and the
    download is resumed.

    Args:
        remote: The file.
        target: The path for it; its folder is created.
        progress: Called after every chunk with "Downloading NAME", the bytes done and the bytes in total.

    Raises:
        DataError: If no mirror provides the file, or it cannot be written; the message lists each mirror's response.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f"{target.name}.lock")):
            # Another process may have downloaded it while this one waited.
            if not target.exists():
                _download(remote, target, progress)
    except OSError as error:
        raise DataError(
            f"{remote.name} cannot be written to {target.parent}: {error.strerror or error}; expected a folder with"
            f" {remote.size:,} bytes of free space. Set OPTOTYPE_HOME to another folder."
        ) from error


def verify_file(remote: RemoteFile, path: Path) -> None:
    """Check that a file is the published one.

    Raises:
        DataError: If its size or SHA-256 differs, or it cannot be read.
    """
    try:
        size = path.stat().st_size
        actual = _sha256(path) if size == remote.size else f"{size:,} bytes"
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}; expected a readable file. Check its permissions."
        ) from error
    if actual != remote.sha256:
        raise DataError(
            f"{path} is not the published file: it has {actual}; expected {remote.size:,} bytes with SHA-256"
            f" {remote.sha256}. Download it again from {remote.urls[0]}"
        )


def _download(remote: RemoteFile, target: Path, progress: ProgressCallback | None) -> None:
    part = target.with_name(f"{target.name}.part")
    faults = []
    for url in remote.urls:
        try:
            _download_from(url, remote, part, progress)
        except _MirrorError as error:
            faults.append(f"{url} {error}")
        else:
            part.replace(target)
            return
    raise DataError(
        f"{remote.name} cannot be downloaded: {'; '.join(faults)}. Expected {remote.size:,} bytes with SHA-256"
        f" {remote.sha256}. Check the network and try again (the download is resumed), or put the file into the data"
        " set's folder in OPTOTYPE_DATA."
    )


def _download_from(url: str, remote: RemoteFile, part: Path, progress: ProgressCallback | None) -> None:
    """Complete the partial file from one address, with further requests while they make progress."""
    fault = _MirrorError(f"sent only part of the file in each of {_MAX_ATTEMPTS} responses")
    for _ in range(_MAX_ATTEMPTS):
        start = _size(part)
        try:
            if start != remote.size:
                _receive(url, remote, part, progress)
            _verify_part(remote, part)
        except _MirrorError as error:
            fault = error
            if _size(part) == start:
                break
        else:
            return
    raise fault


def _verify_part(remote: RemoteFile, part: Path) -> None:
    actual = _sha256(part)
    if actual != remote.sha256:
        part.unlink()
        raise _MirrorError(f"sent a different file, with SHA-256 {actual}")


def _receive(url: str, remote: RemoteFile, part: Path, progress: ProgressCallback | None) -> None:
    """Append the missing bytes to the partial file, or rewrite it if the server starts at the beginning."""
    start = _size(part)
    headers = {"User-Agent": "optotype"} | ({"Range": f"bytes={start}-"} if start else {})
    # The catalogue has only https addresses; redirects are checked in _HttpsOnly.
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - as above
    with _send(request, part) as response:
        is_resumed = response.status == http.client.PARTIAL_CONTENT
        done = start if is_resumed else 0
        _check_headers(response, remote, part, done, is_resumed=is_resumed)
        speed = _SpeedLimit(done)
        with part.open("ab" if is_resumed else "wb") as file:
            while chunk := _read_chunk(response):
                done += len(chunk)
                if done > remote.size:
                    break
                file.write(chunk)
                speed.check(done)
                if progress is not None:
                    progress(f"Downloading {remote.name}", done, remote.size)
            file.flush()
            os.fsync(file.fileno())
    if done > remote.size:
        part.unlink()
        raise _MirrorError(f"sent more than {remote.size:,} bytes")
    if done < remote.size:
        raise _MirrorError(f"stopped after {done:,} bytes")


class _SpeedLimit:
    """The minimum speed of a download, so that a very slow server does not delay the user for days."""

    def __init__(self, done: int) -> None:
        self._start, self._done = time.monotonic(), done

    def check(self, done: int) -> None:
        """Raise _MirrorError if too few bytes arrived since the current period began."""
        now = time.monotonic()
        if now - self._start < WINDOW:
            return
        if done - self._done < _MIN_BYTES:
            raise _MirrorError(f"is too slow: {done - self._done:,} bytes in {now - self._start:.0f} s")
        self._start, self._done = now, done


def _send(request: urllib.request.Request, part: Path) -> http.client.HTTPResponse:
    try:
        response: http.client.HTTPResponse = urllib.request.build_opener(_HttpsOnly).open(
            request, timeout=TIMEOUT
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        raise _MirrorError(f"responds {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _connection_error(error) from None
    return response


def _read_chunk(response: http.client.HTTPResponse) -> bytes:
    try:
        # read1 returns the bytes that arrived; read would discard them if the connection breaks within a chunk.
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _connection_error(error) from None


def _connection_error(error: Exception) -> _MirrorError:
    reason = getattr(error, "reason", error)
    text = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
    return _MirrorError(f"cannot be reached ({text})")


def _check_headers(
    response: http.client.HTTPResponse, remote: RemoteFile, part: Path, start: int, *, is_resumed: bool
) -> None:
    """Reject a response whose headers announce anything but the rest of the file, before a byte is written."""
    if is_resumed and response.headers["Content-Range"] != f"bytes {start}-{remote.size - 1}/{remote.size}":
        part.unlink(missing_ok=True)
        raise _MirrorError(f"sent the wrong range, {response.headers['Content-Range']}")
    if response.status not in {http.client.OK, http.client.PARTIAL_CONTENT}:
        raise _MirrorError(f"responds {response.status} {response.reason}")
    length = response.headers["Content-Length"]
    if length is not None and length != str(remote.size - start):
        raise _MirrorError(f"offers {length} bytes, expected {remote.size - start}")


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            fp.close()
            raise _MirrorError(f"redirects to {newurl}, which is not an https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type] # http.client's


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
