"""The files of the page, without a browser."""

import re
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from tests.page import Page
from tests.web.page.fake import PAGE

SCRIPTS: Final = sorted(PAGE.glob("*.js"))
STYLE: Final = (PAGE / "style.css").read_text()
HTML: Final = (PAGE / "index.html").read_text()

TEXTS: Final = [
    *product(("ink", "faint", "blue"), ("paper", "wash")),
    *product(("grave",), ("paper", "wash")),
    ("on-blue", "blue"),
    ("paper", "ink"),
]
"""Colours of text, each with what it stands on."""
EDGES: Final = [*product(("edge", "blue"), ("paper",)), ("bar", "wash"), ("blue", "wash")]
"""Colours that tell where something ends, each with what is beside it."""


def _colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found: dict[str, str] = {}
    for block in blocks[: 2 if scheme == "dark" else 1]:
        found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block))
    return found


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Compute the contrast of two colours. Source: WCAG 2.2, definition of contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(scheme: str) -> None:
    """Text has a contrast of at least 4.5, edges and bars of 3 (WCAG 2.2, 1.4.3 and 1.4.11), in light and in dark."""
    colours = _colours(scheme)
    low = {
        (one, other): round(contrast(colours[one], colours[other]), 2)
        for pairs, least in ((TEXTS, 4.5), (EDGES, 3.0))
        for one, other in pairs
        if contrast(colours[one], colours[other]) < least
    }
    assert low == {}
    assert contrast(colours["hint"], "#000") >= 4.5


def test_markup_is_whole_and_has_no_code_of_its_own() -> None:
    """Every tag is closed, no script or style is inside the page, and nothing comes from elsewhere."""
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


def test_every_control_has_a_name() -> None:
    """Inputs have labels; ids are there once; what is described or labelled by something finds it."""
    page = Page(HTML)
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    labelled = {attributes["for"] for attributes in page.of("label") if "for" in attributes}
    for attributes in page.of("input", "select"):
        # The box of the fit stands in its label.
        assert "aria-label" in attributes or attributes["id"] in labelled | {"fit"}
    for _, attributes in page.tags:
        for relation in ("aria-labelledby", "aria-describedby", "for"):
            assert attributes.get(relation, names[0]) in names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_makes_no_code_of_text(script: Path) -> None:
    """No text becomes markup or code, no address is another server's, and what is found by id is in the page."""
    content = script.read_text()
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?://|\.setAttribute\(\"style"
    assert re.findall(forbidden, content) == []
    assert set(re.findall(r"byId\(\"([^\"]+)\"\)", content)) <= set(re.findall(r'\bid="([^"]+)"', HTML))
    assert len(content.splitlines()) <= 250
