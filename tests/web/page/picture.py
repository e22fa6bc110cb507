"""Draws a 7 on the page and takes its picture: python -m tests.web.page.picture RUN FILE.png [dark]."""

import sys
import tempfile
from pathlib import Path

from tests.browser import opened
from tests.web.page.person import EXPLAINED, LABEL, draw, visit
from tests.web.page.real import Real


def main(run: str, file: str, scheme: str = "light") -> None:
    """Serve a run, draw, and write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = Real(Path(run))
        real.start()
        with opened(folder) as browser:
            visit(browser, real.address)
            browser.ask(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
            )
            draw(browser)
            browser.until(f"{LABEL} === '7'")
            browser.until(EXPLAINED)
            browser.until("document.querySelectorAll('#similar img').length > 0")
            Path(file).write_bytes(browser.picture())
        real.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
