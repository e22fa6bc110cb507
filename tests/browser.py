"""A real browser for tests of pages: Debian's Chromium without a window, spoken to in its DevTools protocol.

The protocol goes over two pipes (`--remote-debugging-pipe`): JSON messages, each ended by a zero byte. So nothing
needs to be installed but the browser, and no port is opened.
"""

import base64
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

CHROMIUM: Final = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    # A camera that shows a test picture, and is always allowed.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
_PATIENCE: Final = 120.0
"""Seconds that the browser has for an answer; the first one takes long on a busy machine."""
_CODES: Final = {
    "Backspace": 8,
    "Escape": 27,
    " ": 32,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Delete": 46,
}

Point = tuple[float, float]
"""A place in the window, in CSS pixels from the left and from the top."""


class Browser:
    """A running browser with one page; made by ``opened``.

    Attributes:
        complaints: What its console said of warnings and errors, and what it asked of the network; of the server that a
            page came from it may ask.
    """

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self._loaded = False
        self._allowed: tuple[str, ...] = ("file:", "data:", "about:")
        self.complaints: list[str] = []

    def begin(self) -> None:
        """Open an empty page, and listen to it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def show(self, page: Path | str, *, width: int = 375, scheme: Literal["light", "dark"] = "light") -> None:
        """Load a page, or an address of this machine, into a window of a width in CSS pixels, and wait for it."""
        if isinstance(page, str):
            assert page.startswith("http://127.0.0.1:"), page
            # Its own server, and what the page itself makes of data that it has.
            self._allowed = (page.partition("#")[0], "data:", "blob:", "about:")
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._loaded = False
        self.ask("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        while not self._loaded:
            self._take()

    def evaluate(self, expression: str) -> Any:
        """Compute a JavaScript expression in the page; its value, or what it promises, must be JSON."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true in the page."""
        end = time.monotonic() + _PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def drag(self, points: Sequence[Point]) -> None:
        """Press the mouse at the first point, move it through the others, and let it go at the last."""
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def swipe(self, points: Sequence[Point]) -> None:
        """Put a finger on the first point, move it through the others, and take it away."""
        for index, (x, y) in enumerate(points):
            kind = "touchMove" if index else "touchStart"
            self.ask("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go: one that is named in ``_CODES``."""
        code, modifiers = _CODES[key], 8 if shift else 0
        for kind in ("rawKeyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=modifiers
            )

    def picture(self) -> bytes:
        """Give the whole page as a PNG file."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._take()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _take(self) -> dict[str, Any]:
        """Take the next message, and note what it tells."""
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(self._read, 1 << 20) if ready else b""
            assert piece, "the browser does not answer"
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, told: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loaded = True
            case "Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told))
            case "Network.requestWillBeSent":
                url = str(told["request"]["url"])
                if not url.startswith(self._allowed):
                    self.complaints.append(url)


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps its files in a folder, and end it afterwards."""
    assert CHROMIUM is not None
    their_read, our_write = os.pipe()
    our_read, their_write = os.pipe()
    quiet = os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT)
    process = os.posix_spawn(
        CHROMIUM,
        [CHROMIUM, *_OPTIONS, f"--user-data-dir={folder / 'profile'}"],
        {**os.environ, "HOME": str(folder)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, quiet, 1),
            (os.POSIX_SPAWN_DUP2, quiet, 2),
            # By way of numbers that are in nobody's way: 3 and 4 may be among the pipes.
            (os.POSIX_SPAWN_DUP2, their_read, 103),
            (os.POSIX_SPAWN_DUP2, their_write, 104),
            (os.POSIX_SPAWN_DUP2, 103, 3),
            (os.POSIX_SPAWN_DUP2, 104, 4),
        ],
        setpgroup=0,
    )
    for descriptor in (their_read, their_write, quiet):
        os.close(descriptor)
    try:
        browser = Browser(our_read, our_write)
        browser.begin()
        yield browser
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(our_read)
        os.close(our_write)
