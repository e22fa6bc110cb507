"""What a user does on the page and reads there."""

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from tests.browser import Browser, Point

SEVEN: Final = ((0.27, 0.25), (0.5, 0.23), (0.73, 0.22), (0.62, 0.45), (0.54, 0.62), (0.46, 0.8))
"""A 7 in one stroke, as fractions of the canvas's width and height."""

PREDICTED_LABEL: Final = "document.getElementById('prediction-label').textContent"
BARS: Final = (
    "[...document.querySelectorAll('#bars li')].map("
    "bar => bar.innerText.split(/\\s+/).filter(Boolean).join(' '))"
)
IS_EXPLAINED: Final = "!document.getElementById('legend').hidden && !document.querySelector('.is-stale')"
_CANVAS_BOX: Final = (
    "(() => { const box = document.getElementById('canvas').getBoundingClientRect();"
    " return [box.left, box.top, box.width, box.height]; })()"
)


def open_page(browser: Browser, address: str, width: int = 1280) -> None:
    """Open the page and wait until it has loaded the model's description."""
    browser.show(address, width=width)
    browser.until("document.title.endsWith(' · optotype')")


def to_window(browser: Browser, points: Sequence[Point] = SEVEN) -> list[Point]:
    """Convert points of the canvas to window coordinates, with additional points in between."""
    left, top, width, height = browser.evaluate(_CANVAS_BOX)
    return [(left + x * width, top + y * height) for x, y in _interpolate(points)]


def _interpolate(points: Sequence[Point]) -> Iterator[Point]:
    yield points[0]
    for (x, y), (to_x, to_y) in pairwise(points):
        yield from ((x + (to_x - x) * step / 4, y + (to_y - y) * step / 4) for step in range(1, 5))


def draw(browser: Browser, points: Sequence[Point] = SEVEN) -> None:
    """Draw a stroke with the mouse."""
    browser.drag(to_window(browser, points))


def text(browser: Browser, name: str) -> str:
    """Return the text of the element with an id."""
    return str(browser.evaluate(f"document.getElementById('{name}').textContent"))


def click(browser: Browser, name: str) -> None:
    """Click the element with an id."""
    browser.evaluate(f"void document.getElementById('{name}').click()")


def upload(browser: Browser, content: bytes, method: str, name: str = "picture.png") -> None:
    """Upload a file in one of three ways: "drop", "paste" or "choose"."""
    file = (
        f"const bytes = Uint8Array.from(atob('{base64.b64encode(content).decode()}'), char => char.charCodeAt(0));"
        f"const file = new File([bytes], {json.dumps(name)}, {{type: 'image/png'}});"
        "const transfer = new DataTransfer(); transfer.items.add(file);"
    )
    scripts = {
        "drop": "document.body.dispatchEvent(new DragEvent('drop',"
        " {dataTransfer: transfer, bubbles: true, cancelable: true}));",
        "paste": "document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true}));",
        "choose": "const input = document.getElementById('file'); input.files = transfer.files;"
        " input.dispatchEvent(new Event('change'));",
    }
    browser.evaluate(f"void (() => {{ {file} {scripts[method]} }})()")


def error_banner(browser: Browser) -> str:
    """Return the text of the error banner; "" if there is none."""
    return str(browser.evaluate("document.querySelector('.is-error p')?.textContent ?? ''"))
