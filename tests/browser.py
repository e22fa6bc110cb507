"""A real browser for tests of pages: Debian's Chromium without a window, driven by Selenium and chromedriver.

Both programs are those of the distribution; Selenium Manager, which downloads others, is not used.
"""

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

_DRIVER: Final = shutil.which("chromedriver")
CHROMIUM: Final = shutil.which("chromium") if _DRIVER else None
"""Path of the browser; None if it or its driver is missing (on Debian: apt-get install chromium chromium-driver)."""

_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    # A camera that shows a test picture and is always allowed.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
_TIMEOUT_SECONDS: Final = 120.0
_KEYS: Final = {
    "Backspace": Keys.BACKSPACE,
    "Escape": Keys.ESCAPE,
    " ": Keys.SPACE,
    "ArrowLeft": Keys.ARROW_LEFT,
    "ArrowUp": Keys.ARROW_UP,
    "ArrowRight": Keys.ARROW_RIGHT,
    "ArrowDown": Keys.ARROW_DOWN,
    "Delete": Keys.DELETE,
}

Point = tuple[float, float]
"""A position in the window, in CSS pixels from the left and from the top."""


class Browser:
    """A running browser with one page; created by ``opened``."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver
        self._allowed: tuple[str, ...] = ("file:", "data:", "about:")
        self._complaints: list[str] = []

    @property
    def complaints(self) -> list[str]:
        """Messages of the console, and requests to the network other than to the server of the page."""
        self._complaints += [json.dumps(entry) for entry in self._log("browser")]
        for entry in self._log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                url = str(event["params"]["request"]["url"])
                if not url.startswith(self._allowed):
                    self._complaints.append(url)
        return self._complaints

    def _log(self, kind: Literal["browser", "performance"]) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def show(self, page: Path | str, *, width: int = 375, scheme: Literal["light", "dark"] = "light") -> None:
        """Load a page, or an address of this machine, into a window of a width in CSS pixels, and wait for it."""
        # Requests of the previous page are checked while its addresses are still allowed.
        _ = self.complaints
        if isinstance(page, str):
            assert page.startswith("http://127.0.0.1:"), page
            # Its own server, and URLs that the page creates from its own data.
            self._allowed = (page.partition("#")[0], "data:", "blob:", "about:")
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._driver.get(page if isinstance(page, str) else page.resolve().as_uri())

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression or of its promise; it must be JSON."""
        # Selenium's execute_script rounds and wraps values; DevTools returns them as they are.
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true in the page."""
        end = time.monotonic() + _TIMEOUT_SECONDS
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def drag(self, points: Sequence[Point]) -> None:
        """Press the mouse at the first point, move it through the others, and release it at the last."""
        # Through DevTools, because Selenium's pointer has whole pixels only.
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def swipe(self, points: Sequence[Point]) -> None:
        """Touch the first point, move through the others, and release the touch at the last."""
        for index, (x, y) in enumerate(points):
            kind = "touchMove" if index else "touchStart"
            self.ask("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key: one of ``_KEYS``."""
        actions = ActionChains(self._driver)
        if shift:
            actions.key_down(Keys.SHIFT)
        actions.send_keys(_KEYS[key])
        if shift:
            actions.key_up(Keys.SHIFT)
        actions.perform()

    def picture(self) -> bytes:
        """Return the whole page as a PNG file."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a DevTools command and return its answer."""
        answer: dict[str, Any] = self._driver.execute_cdp_cmd(method, params)
        return answer


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """Start a browser that stores its files in a folder, and quit it at the end."""
    assert CHROMIUM is not None
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*_OPTIONS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    environment = {**os.environ, "HOME": str(folder)}
    service = webdriver.ChromeService(_DRIVER, log_output=str(folder / "driver.log"), env=environment)
    driver = webdriver.Chrome(options, service)
    try:
        browser = Browser(driver)
        # The first page of the browser, a new tab, makes requests of its own.
        driver.get("about:blank")
        browser.complaints.clear()
        yield browser
    finally:
        driver.quit()
