"""What a person does at the page, and reads on it."""

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from tests.browser import Browser, Point

SEVEN: Final = ((0.27, 0.25), (0.5, 0.23), (0.73, 0.22), (0.62, 0.45), (0.54, 0.62), (0.46, 0.8))
"""A 7 in one stroke, in shares of the surface's width and height."""

LABEL: Final = "document.getElementById('verdict-label').textContent"
BARS: Final = (
    "[...document.querySelectorAll('#bars li')].map("
    "each => each.innerText.split(/\\s+/).filter(Boolean).join(' '))"
)
EXPLAINED: Final = "!document.getElementById('legend').hidden && !document.querySelector('.is-stale')"
_SURFACE: Final = (
    "(() => { const place = document.getElementById('surface').getBoundingClientRect();"
    " return [place.left, place.top, place.width, place.height]; })()"
)


def visit(browser: Browser, address: str, width: int = 1280) -> None:
    """Open the page, and wait until it knows the model."""
    browser.show(address, width=width)
    browser.until("document.title.endsWith(' · optotype')")


def on_surface(browser: Browser, points: Sequence[Point] = SEVEN) -> list[Point]:
    """Say where points of the surface lie in the window, with others between them, as a hand passes them."""
    left, top, width, height = browser.evaluate(_SURFACE)
    return [(left + x * width, top + y * height) for x, y in _between(points)]


def _between(points: Sequence[Point]) -> Iterator[Point]:
    yield points[0]
    for (x, y), (to_x, to_y) in pairwise(points):
        yield from ((x + (to_x - x) * step / 4, y + (to_y - y) * step / 4) for step in range(1, 5))


def draw(browser: Browser, points: Sequence[Point] = SEVEN) -> None:
    """Draw a stroke with the mouse."""
    browser.drag(on_surface(browser, points))


def text(browser: Browser, name: str) -> str:
    """Read an element's text by its id."""
    return str(browser.evaluate(f"document.getElementById('{name}').textContent"))


def click(browser: Browser, name: str) -> None:
    """Click an element by its id."""
    browser.evaluate(f"void document.getElementById('{name}').click()")


def give(browser: Browser, content: bytes, how: str, name: str = "picture.png") -> None:
    """Give the page a file: "drop", "paste" or "choose" it."""
    file = (
        f"const bytes = Uint8Array.from(atob('{base64.b64encode(content).decode()}'), each => each.charCodeAt(0));"
        f"const file = new File([bytes], {json.dumps(name)}, {{type: 'image/png'}});"
        "const held = new DataTransfer(); held.items.add(file);"
    )
    ways = {
        "drop": "document.body.dispatchEvent(new DragEvent('drop',"
        " {dataTransfer: held, bubbles: true, cancelable: true}));",
        "paste": "document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: held, bubbles: true}));",
        "choose": "const chosen = document.getElementById('file'); chosen.files = held.files;"
        " chosen.dispatchEvent(new Event('change'));",
    }
    browser.evaluate(f"void (() => {{ {file} {ways[how]} }})()")


def problem(browser: Browser) -> str:
    """Read the banner that says what is wrong; "" for none."""
    return str(browser.evaluate("document.querySelector('.is-problem p')?.textContent ?? ''"))
