"""Figures that become a part of a page."""

import re
from html.parser import HTMLParser

import pytest
from matplotlib.axes import Axes

from optotype.reporting.svg import BLUE, inline_svg


def _paint(axes: Axes) -> None:
    axes.plot([1, 2, 3], [3, 1, 2], color=BLUE, marker="o", label="a <b> & $x$")
    axes.imshow([[0, 1], [1, 0]], interpolation="none")
    axes.set_xticks([0, 1], ["数", "$\\frac{"])
    axes.legend()


def _attributes(svg: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
            found.extend((name, value or "") for name, value in attrs)

    Parser().feed(svg)
    return found


def test_names_of_two_figures_never_meet() -> None:
    """Two figures of the same content share no id, and all that an id refers to is in its own figure."""
    first, second = (_attributes(inline_svg(_paint, name, "a figure")) for name in ("one", "two"))
    ids = [{value for name, value in figure if name == "id"} for figure in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for own, figure in zip(ids, (first, second), strict=True):
        for name, value in figure:
            if name == "href" and not value.startswith("data:image/png;base64,"):
                assert value[1:] in own
            if name == "clip-path":
                assert value[5:-1] in own


def test_a_figure_takes_the_colours_and_type_of_its_page() -> None:
    """No fixed ink, no fonts and no style sheet of its own are left, and it has a text in its place."""
    svg = inline_svg(_paint, "one", 'a "figure" <of> &')
    assert not re.search(r"#000000|font-family|<style|<metadata|https?:", svg)
    assert "stroke: currentColor" in svg
    assert f"stroke: var(--blue, {BLUE})" in svg
    assert dict(_attributes(svg))["role"] == "img"
    assert dict(_attributes(svg))["aria-label"] == 'a "figure" <of> &'


def test_text_is_text() -> None:
    """What looks like markup or mathematics stays what it is, and a script that a font lacks gives no warning."""
    svg = inline_svg(_paint, "one", "a figure")
    for text in ("a &lt;b&gt; &amp; $x$", "数", "$\\frac{"):
        assert f">{text}<" in svg


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    """Nothing random and no date is in a figure."""
    assert inline_svg(_paint, name, "a figure") == inline_svg(_paint, name, "a figure")
