"""Figures that become part of a page."""

import re
from html.parser import HTMLParser

import pytest
from matplotlib.axes import Axes

from optotype.reporting.svg import BLUE, inline_svg


def _draw(axes: Axes) -> None:
    axes.plot([1, 2, 3], [3, 1, 2], color=BLUE, marker="o", label="a <b> & $x$")
    axes.imshow([[0, 1], [1, 0]], interpolation="none")
    axes.set_xticks([0, 1], ["数", "$\\frac{"])
    axes.legend()


def _attributes(svg: str) -> list[tuple[str, str]]:
    attributes: list[tuple[str, str]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
            attributes.extend((name, value or "") for name, value in attrs)

    Parser().feed(svg)
    return attributes


def test_ids_of_two_figures_do_not_collide() -> None:
    """Two figures of the same content share no id, and every reference stays within its figure."""
    first, second = (_attributes(inline_svg(_draw, name, "a figure")) for name in ("one", "two"))
    ids = [{value for name, value in figure if name == "id"} for figure in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for own, figure in zip(ids, (first, second), strict=True):
        for name, value in figure:
            if name == "href" and not value.startswith("data:image/png;base64,"):
                assert value[1:] in own
            if name == "clip-path":
                assert value[5:-1] in own


def test_a_figure_uses_the_colours_and_fonts_of_its_page() -> None:
    """No black, no font and no style sheet of its own remains, and it has an alternative text."""
    svg = inline_svg(_draw, "one", 'a "figure" <of> &')
    assert not re.search(r"#000000|font-family|<style|<metadata|https?:", svg)
    assert "stroke: currentColor" in svg
    assert f"stroke: var(--blue, {BLUE})" in svg
    assert dict(_attributes(svg))["role"] == "img"
    assert dict(_attributes(svg))["aria-label"] == 'a "figure" <of> &'


def test_text_is_text() -> None:
    """Markup and mathematics stay text, and a script that the font lacks causes no warning."""
    svg = inline_svg(_draw, "one", "a figure")
    for text in ("a &lt;b&gt; &amp; $x$", "数", "$\\frac{"):
        assert f">{text}<" in svg


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    """A figure contains no random values and no date."""
    assert inline_svg(_draw, name, "a figure") == inline_svg(_draw, name, "a figure")
