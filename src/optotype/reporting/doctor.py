"""The page of `optotype data check`: the images in question, worst first, in one self-contained HTML file.

Class and file names can contain any text: everything in the page is escaped, and the page allows no script.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from optotype.reporting.rendering import render_template

if TYPE_CHECKING:
    from optotype.checking.findings import Findings, Kind, KindInfo

MAX_FINDINGS: Final = 100
"""Findings of each kind that are shown; the JSON file contains all of them."""
_MAX_PICTURES: Final = 12


def render_findings(findings: "Findings", kinds: "Mapping[Kind, KindInfo]") -> str:
    """Return the findings of a data check as HTML that needs no other file.

    Args:
        findings: The findings.
        kinds: Title and severity of every kind of finding, in the order of the page: ``checking.findings.KINDS``.
    """
    return render_template(
        "doctor.html",
        {
            "findings": findings,
            "sections": [_section(findings, kind, info) for kind, info in kinds.items()],
            "max_pictures": _MAX_PICTURES,
            "max_findings": MAX_FINDINGS,
        },
    )


def _section(findings: "Findings", kind: "Kind", info: "KindInfo") -> dict[str, object]:
    matches = findings.of(kind)
    return {
        "kind": kind,
        "title": info.title,
        "severe": info.severe,
        "count": len(matches),
        "shown": matches[:MAX_FINDINGS],
    }
