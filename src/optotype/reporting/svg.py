"""Figures as SVG that becomes a part of a page: in the page's colours, dark or light, and in its type.

matplotlib's objects are used directly, never pyplot: no global state, no window, nothing left open. What it writes is a
file of its own; to be a part of a page it must lose what would act on the whole page (a style sheet, names that another
figure has too) and fixed colours.
"""

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

# Blue and orange of Okabe and Ito (2008), told apart by every kind of colour vision; markers tell them apart in print.
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
FAINT: Final = "#737373"
LINE: Final = "#e5e5e5"

# In the page, each is whatever the page says; where it says nothing, as in a notebook, it stays.
_IN_PAGE: Final = {
    "#000000": "currentColor",
    BLUE.lower(): f"var(--blue, {BLUE})",
    ORANGE.lower(): f"var(--orange, {ORANGE})",
    FAINT: f"var(--faint, {FAINT})",
    LINE: f"var(--line, {LINE})",
}
_COLOUR: Final = re.compile("|".join(_IN_PAGE))
_FONT: Final = re.compile(r"font-family:[^;]*;? ?")
_REFERENCE: Final = re.compile(r"url\(#(.+?)\)")

_SETTINGS: "Final[dict[RcKeyType, object]]" = {
    "svg.fonttype": "none",
    "svg.hashsalt": "optotype",
    "text.parse_math": False,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "legend.frameon": False,
}


def inline_svg(
    paint: Callable[["Axes"], None], name: str, alt: str, size: tuple[float, float] = (5.0, 3.4)
) -> str:
    """Draw a figure for a page.

    Args:
        paint: Draws it into empty axes; black becomes the page's ink, and the colours of this module those of the page.
        name: Letters, digits and hyphens, another one for each figure of a page.
        alt: What the figure shows, for those who do not see it.
        size: Width and height in inches; small figures keep their type legible on a telephone.

    Returns:
        An svg element as HTML, the same bytes for the same input.
    """
    import matplotlib as mpl  # noqa: PLC0415 - half a second to load, only when drawn
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    content = io.BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # The page's fonts are not matplotlib's: a glyph that the latter lack is no loss.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        paint(axes)
        about = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(content, format="svg", metadata=about)
    root = ET.fromstring(content.getvalue())  # noqa: S314 - matplotlib wrote it, and escaped all text
    _become_part(root, name)
    width = root.attrib.pop("width")
    del root.attrib["height"], root.attrib["version"]
    root.attrib |= {"role": "img", "aria-label": alt, "fill": "currentColor", "stroke-linejoin": "round"}
    root.attrib["style"] = f"width: {width}; max-width: 100%"
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _become_part(root: ET.Element, name: str) -> None:
    used = set(re.findall(r"#([\w.-]+)", " ".join(_references(root))))
    for element in root.iter():
        element.tag = _plain(element.tag)
        for child in [child for child in element if _plain(child.tag) in ("style", "metadata")]:
            element.remove(child)
        changed = {_plain(key): value for key, value in element.attrib.items()}
        if changed.get("id") not in used:
            changed.pop("id", None)
        for key, value in changed.items():
            match key:
                case "id":
                    changed[key] = f"{name}-{value}"
                case "href" if value.startswith("#"):
                    changed[key] = f"#{name}-{value[1:]}"
                case "clip-path":
                    changed[key] = _REFERENCE.sub(rf"url(#{name}-\1)", value)
                case "style":
                    changed[key] = _COLOUR.sub(lambda found: _IN_PAGE[found[0]], _FONT.sub("", value))
        element.attrib.clear()
        element.attrib.update(changed)


def _references(root: ET.Element) -> list[str]:
    """List the attributes in which one element names another."""
    return [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if _plain(key) == "clip-path" or (_plain(key) == "href" and value.startswith("#"))
    ]


def _plain(name: str) -> str:
    """Take the namespace away, of which HTML knows none."""
    return name.rpartition("}")[2]
