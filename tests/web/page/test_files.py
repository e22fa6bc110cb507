"""The files of the page, tested without a browser."""

import re
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from tests.page import Page
from tests.web.page.fake_server import PAGE

SCRIPTS: Final = sorted(PAGE.glob("*.js"))
STYLE: Final = (PAGE / "style.css").read_text()
HTML: Final = (PAGE / "index.html").read_text()

TEXTS: Final = [
    *product(("text", "muted", "accent"), ("background", "surface")),
    *product(("error",), ("background", "surface")),
    ("on-accent", "accent"),
    ("background", "text"),
]
"""Pairs of text colour and background colour."""
BORDERS: Final = [
    *product(("control-border", "accent"), ("background",)),
    ("bar", "surface"),
    ("accent", "surface"),
]
"""Pairs of border colour and adjacent colour."""


def _colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    colours: dict[str, str] = {}
    for block in blocks[: 2 if scheme == "dark" else 1]:
        colours |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block))
    return colours


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Compute the contrast ratio of two colours as defined in WCAG 2.2."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_sufficient(scheme: str) -> None:
    """Text has a contrast of at least 4.5, borders and bars of 3 (WCAG 2.2, 1.4.3 and 1.4.11), light and dark."""
    colours = _colours(scheme)
    too_low = {
        (first, second): round(contrast(colours[first], colours[second]), 2)
        for pairs, minimum in ((TEXTS, 4.5), (BORDERS, 3.0))
        for first, second in pairs
        if contrast(colours[first], colours[second]) < minimum
    }
    assert too_low == {}
    assert contrast(colours["hint"], "#000") >= 4.5


def test_html_is_well_formed_without_inline_code() -> None:
    """Every tag is closed, there is no inline script or style, and every URL is on this server."""
    page = Page(HTML)
    assert page.unclosed == []
    assert page.of("style") == []
    assert [script for script in page.of("script") if "src" not in script] == []
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], (
            tag,
            attributes,
        )
        for name in ("src", "href"):
            address = attributes.get(name, "#")
            assert address.startswith(("page/", "#", "docs")), address


def test_every_control_has_a_label() -> None:
    """Inputs have labels, ids are unique, and ids in references exist."""
    page = Page(HTML)
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    labelled = {attributes["for"] for attributes in page.of("label") if "for" in attributes}
    for attributes in page.of("input", "select"):
        # The checkbox of the fit is inside its label.
        assert "aria-label" in attributes or attributes["id"] in labelled | {"fit"}
    for _, attributes in page.tags:
        for relation in ("aria-labelledby", "aria-describedby", "for"):
            assert attributes.get(relation, names[0]) in names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_do_not_interpret_text(script: Path) -> None:
    """Scripts do not turn text into markup or code, contain no URL of another server, and use only ids of the page."""
    content = script.read_text()
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?://|\.setAttribute\(\"style"
    assert re.findall(forbidden, content) == []
    assert set(re.findall(r"byId\(\"([^\"]+)\"\)", content)) <= set(re.findall(r'\bid="([^"]+)"', HTML))
    assert len(content.splitlines()) <= 250
