"""The Jinja environment."""

import re
from importlib.resources import files

import pytest
from jinja2 import UndefinedError

from optotype.reporting.rendering import escape_markdown, quote_yaml, render_template


def test_a_missing_value_is_an_error() -> None:
    """A template with a missing variable raises an error instead of printing nothing."""
    with pytest.raises(UndefinedError):
        render_template("report.html", {})


def test_there_is_one_style_sheet_and_one_frame() -> None:
    """Every page extends the base template, which includes the only style sheet and forbids network and scripts."""
    templates = _templates()
    assert sum(name.endswith(".css") for name in templates) == 1
    pages = [
        name for name in templates if name.endswith(".html") and name not in ("base.html", "macros.html")
    ]
    assert sorted(pages) == ["comparison.html", "doctor.html", "report.html"]
    for name in pages:
        assert templates[name].startswith('{% extends "base.html" %}')
        assert "<style" not in templates[name]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in templates["base.html"]


def test_every_rule_of_the_style_sheet_is_used() -> None:
    """Each class in the style sheet occurs in some template."""
    templates = _templates()
    words = set(
        re.findall(r"[\w-]+", " ".join(text for name, text in templates.items() if name.endswith(".html")))
    )
    selectors = re.sub(r"\{[^}]*\}", "", templates["style.css"])
    assert set(re.findall(r"\.([a-z][\w-]*)", selectors)) <= words


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a *b*", r"a \*b\*"), ("- a\n# b", r"\- a \# b"), ("1. a", r"1\. a"), ("<b>", r"\<b\>")],
)
def test_text_cannot_become_markdown(text: str, escaped: str) -> None:
    """Characters with a meaning in Markdown or HTML are escaped, and lines are joined."""
    assert escape_markdown(text) == escaped


def test_a_string_stays_one_yaml_string() -> None:
    """Quotes are escaped, and characters that YAML forbids are replaced."""
    assert quote_yaml('a "b"\x1b') == '"a \\"b\\"\N{REPLACEMENT CHARACTER}"'


def _templates() -> dict[str, str]:
    folder = files("optotype.reporting").joinpath("templates")
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
