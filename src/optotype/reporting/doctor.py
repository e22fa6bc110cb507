"""Findings as a page: the pictures in question, worst first, in one HTML file that asks the network for nothing.

Class and file names are anybody's: all that goes into the page is escaped, and the page allows itself no script.
"""

from importlib.resources import files
from typing import Final

from optotype.checking.findings import KINDS, Findings, Kind
from optotype.data.pictures.encode import png_uri

MOST_FINDINGS: Final = 100
"""Findings of a kind that are shown; the JSON file has them all."""
_MOST_PICTURES: Final = 12


def render_page(findings: Findings) -> str:
    """Write the page.

    Args:
        findings: What was found.

    Returns:
        HTML that needs no other file.
    """
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - loaded only to write a page

    surroundings = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    surroundings.filters["png_uri"] = png_uri
    text = files("optotype.reporting").joinpath("templates/doctor.html").read_text(encoding="utf-8")
    return surroundings.from_string(text).render(
        findings=findings,
        sections=[_section(findings, kind) for kind in KINDS],
        most_pictures=_MOST_PICTURES,
        most_findings=MOST_FINDINGS,
    )


def _section(findings: Findings, kind: Kind) -> dict[str, object]:
    found = findings.of(kind)
    return {
        "kind": kind,
        "title": KINDS[kind].title,
        "severe": KINDS[kind].severe,
        "count": len(found),
        "shown": found[:MOST_FINDINGS],
        "left_out": len(found) > MOST_FINDINGS,
    }
