"""Fetching a published file: resumed where it stopped, held against its size and SHA-256, there whole or not at all.

A download grows in NAME.part beside its target and takes the target's name only when its sum is right. Nothing that a
server says is trusted: a redirection must lead to https, no more bytes are taken than were published, and a server
that says nothing for TIMEOUT seconds, or little in any WINDOW, is given up for the next mirror.
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
from optotype.progress import Report
from optotype.storage.locks import locked

TIMEOUT: Final = 30.0
WINDOW: Final = 60.0
"""Seconds in which `_LEAST` must arrive."""
_LEAST: Final = 60 << 10
_CHUNK: Final = 1 << 20
_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Original:
    """A file as it was published.

    Attributes:
        file: Its name.
        size: In bytes.
        sha256: Its published sum, in hexadecimal.
        addresses: Where it is offered, each an https address of the file itself, the authors' own first.
    """

    file: str
    size: int
    sha256: str
    addresses: tuple[str, ...]


class _MirrorError(Exception):
    """A server does not give the file; another one may."""


def fetch(original: Original, target: Path, report: Report | None = None) -> None:
    """Fetch a file, unless it is there.

    Processes that want the same file take turns. What an interrupted download has brought is kept and resumed.

    Args:
        original: What to fetch.
        target: Where to put it; its folder is made.
        report: Called after every piece with "Downloading NAME" and the bytes done and in all.

    Raises:
        DataError: No mirror gives the file, or it cannot be written; the message says what each answered.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f"{target.name}.lock")):
            # Another process may have brought it while this one waited.
            if not target.exists():
                _fetch(original, target, report)
    except OSError as error:
        raise DataError(
            f"{original.file} cannot be written to {target.parent}: {error.strerror or error}. Expected a folder with"
            f" {original.size:,} bytes free; set OPTOTYPE_HOME to use another one."
        ) from error


def check(original: Original, path: Path) -> None:
    """Hold a file against what was published.

    Raises:
        DataError: Its size or sum is another, or it cannot be read.
    """
    try:
        size = path.stat().st_size
        found = _sha256(path) if size == original.size else f"{size:,} bytes"
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Check the file's rights."
        ) from error
    if found != original.sha256:
        raise DataError(
            f"{path} is not the published file: found {found}, expected {original.size:,} bytes with SHA-256"
            f" {original.sha256}. Fetch it again from {original.addresses[0]}"
        )


def _fetch(original: Original, target: Path, report: Report | None) -> None:
    part = target.with_name(f"{target.name}.part")
    answers = []
    for address in original.addresses:
        try:
            _fetch_from(address, original, part, report)
        except _MirrorError as error:
            answers.append(f"{address} {error}")
        else:
            part.replace(target)
            return
    raise DataError(
        f"{original.file} could not be fetched: {'; '.join(answers)}. Expected {original.size:,} bytes with SHA-256"
        f" {original.sha256}. Check the network and try again, for what has arrived is kept; or bring the file by hand"
        " into the set's folder in OPTOTYPE_DATA."
    )


def _fetch_from(address: str, original: Original, part: Path, report: Report | None) -> None:
    """Complete the part from one address, asking again as long as that changes something."""
    fault = _MirrorError("gives the file piece by piece and never all of it")
    for _ in range(_ATTEMPTS):
        start = _length(part)
        try:
            if start != original.size:
                _receive(address, original, part, report)
            _verify(original, part)
        except _MirrorError as error:
            fault = error
            if _length(part) == start:
                break
        else:
            return
    raise fault


def _verify(original: Original, part: Path) -> None:
    found = _sha256(part)
    if found != original.sha256:
        part.unlink()
        raise _MirrorError(f"gives another file, with SHA-256 {found}")


def _receive(address: str, original: Original, part: Path, report: Report | None) -> None:
    """Append to the part what is missing, or write it anew where the server starts at the beginning."""
    start = _length(part)
    asked = {"User-Agent": "optotype"} | ({"Range": f"bytes={start}-"} if start else {})
    # The addresses are those of the catalogue, all https; redirections are held to it below.
    request = urllib.request.Request(address, headers=asked)  # noqa: S310 - as above
    with _answer(request, part) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        done = start if resumed else 0
        _check_promise(response, original, part, done, resumed=resumed)
        pace = _Pace(done)
        with part.open("ab" if resumed else "wb") as file:
            while chunk := _next(response):
                done += len(chunk)
                if done > original.size:
                    break
                file.write(chunk)
                pace.check(done)
                if report is not None:
                    report(f"Downloading {original.file}", done, original.size)
            file.flush()
            os.fsync(file.fileno())
    if done > original.size:
        part.unlink()
        raise _MirrorError(f"gives more than {original.size:,} bytes")
    if done < original.size:
        raise _MirrorError(f"stopped after {done:,} bytes")


class _Pace:
    """How fast a download goes on, so that a server that drips does not hold the user up for days."""

    def __init__(self, done: int) -> None:
        self._since, self._done = time.monotonic(), done

    def check(self, done: int) -> None:
        """Give the server up where it gave too little since the last window began."""
        now = time.monotonic()
        if now - self._since < WINDOW:
            return
        if done - self._done < _LEAST:
            raise _MirrorError(f"is too slow: {done - self._done:,} bytes in {now - self._since:.0f} s")
        self._since, self._done = now, done


def _answer(request: urllib.request.Request, part: Path) -> http.client.HTTPResponse:
    try:
        response: http.client.HTTPResponse = urllib.request.build_opener(_HttpsOnly).open(
            request, timeout=TIMEOUT
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        raise _MirrorError(f"answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(error) from None
    return response


def _next(response: http.client.HTTPResponse) -> bytes:
    try:
        # read1 gives what has arrived, where read would throw it away when the connection dies before the whole chunk.
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(error) from None


def _unreachable(error: Exception) -> _MirrorError:
    reason = getattr(error, "reason", error)
    words = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
    return _MirrorError(f"cannot be reached ({words})")


def _check_promise(
    response: http.client.HTTPResponse, original: Original, part: Path, start: int, *, resumed: bool
) -> None:
    """Refuse an answer whose headers promise something other than the rest of the file, before a byte is written."""
    if resumed and response.headers["Content-Range"] != f"bytes {start}-{original.size - 1}/{original.size}":
        part.unlink(missing_ok=True)
        raise _MirrorError(f"gives the wrong range, {response.headers['Content-Range']}")
    if response.status not in {http.client.OK, http.client.PARTIAL_CONTENT}:
        raise _MirrorError(f"answers {response.status} {response.reason}")
    promised = response.headers["Content-Length"]
    if promised is not None and promised != str(original.size - start):
        raise _MirrorError(f"offers {promised} bytes, expected {original.size - start}")


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


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
