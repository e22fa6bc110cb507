"""Draws a 7 on the page and saves a screenshot: python -m tests.web.page.screenshot RUN FILE.png [dark]."""

import sys
import tempfile
from pathlib import Path

from tests.browser import opened
from tests.web.page.actions import IS_EXPLAINED, PREDICTED_LABEL, draw, open_page
from tests.web.page.real_server import RealServer


def main(run: str, file: str, scheme: str = "light") -> None:
    """Serve a run, draw a 7, and save a screenshot."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = RealServer(Path(run))
        server.start()
        with opened(folder) as browser:
            open_page(browser, server.address)
            browser.ask(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
            )
            draw(browser)
            browser.until(f"{PREDICTED_LABEL} === '7'")
            browser.until(IS_EXPLAINED)
            browser.until("document.querySelectorAll('#neighbours img').length > 0")
            Path(file).write_bytes(browser.picture())
        server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
