"""The Jinja environment of every page and of the model card."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from optotype.data.pictures.encode import png_uri
from optotype.metrics.formatting import format_points
from optotype.reporting.words import (
    format_estimate,
    format_interval,
    format_percent,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>#|~&$]|^[-+]|(?<=^\d)[.)])")


def render_template(name: str, values: Mapping[str, object]) -> str:
    """Return a template of this package with its values filled in.

    Args:
        name: File in the folder ``templates``. HTML templates escape every value. The Markdown template escapes text
            with its filters ``markdown`` and ``yaml``.
        values: Every variable of the template; a missing one is an error.
    """
    return _environment().get_template(name).render(values)


@cache
def _environment() -> "Environment":
    # Jinja is loaded only to write a page.
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("optotype.reporting"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "difference": format_points,
        "estimate": format_estimate,
        "interval": format_interval,
        "markdown": escape_markdown,
        "percent": format_percent,
        "png_uri": png_uri,
        "yaml": quote_yaml,
    }
    return environment


def escape_markdown(text: str) -> str:
    """Return a text as one line that is neither Markdown nor HTML."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def quote_yaml(text: str) -> str:
    """Return a string for YAML; characters that YAML does not allow become replacement characters."""
    allowed = "".join(
        character if character == " " or character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
    # A JSON string is a YAML string.
    return json.dumps(allowed, ensure_ascii=False)
