"""matplotlib figures as inline SVG: in the colours, light or dark, and in the font of their page.

matplotlib's objects are used directly, never pyplot: no global state, no window, nothing left open. matplotlib writes
an SVG file of its own. As part of a page it must lose its fixed colours and whatever would affect the whole page: its
style sheet, and ids that another figure also uses.
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

# Blue and orange of Okabe and Ito (2008): distinct with every kind of colour vision. Markers distinguish them in print.
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
FAINT: Final = "#737373"
LINE: Final = "#e5e5e5"

# Each colour is taken from the page. A page that does not define it (a notebook) gets the original.
_PAGE_COLOURS: Final = {
    "#000000": "currentColor",
    BLUE.lower(): f"var(--blue, {BLUE})",
    ORANGE.lower(): f"var(--orange, {ORANGE})",
    FAINT: f"var(--faint, {FAINT})",
    LINE: f"var(--line, {LINE})",
}
_COLOUR: Final = re.compile("|".join(_PAGE_COLOURS))
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
    draw: Callable[["Axes"], None], name: str, alt: str, size: tuple[float, float] = (5.0, 3.4)
) -> str:
    """Draw a figure for a page.

    Args:
        draw: Draws into empty axes. Black becomes the text colour of the page, and the colours of this module become
            those of the page.
        name: Letters, digits and hyphens; unique among the figures of a page.
        alt: Alternative text for screen readers.
        size: Width and height in inches; the text of small figures stays legible on a telephone.

    Returns:
        An svg element as HTML, the same bytes for the same input.
    """
    import matplotlib as mpl  # noqa: PLC0415 - half a second to load, only when drawn
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    content = io.BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # The page uses its own fonts, so glyphs that matplotlib's font lacks do not matter.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        draw(axes)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(content, format="svg", metadata=metadata)
    root = ET.fromstring(content.getvalue())  # noqa: S314 - matplotlib wrote it, and escaped all text
    _make_embeddable(root, name)
    width = root.attrib.pop("width")
    del root.attrib["height"], root.attrib["version"]
    root.attrib |= {"role": "img", "aria-label": alt, "fill": "currentColor", "stroke-linejoin": "round"}
    root.attrib["style"] = f"width: {width}; max-width: 100%"
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _make_embeddable(root: ET.Element, name: str) -> None:
    """Remove style sheets, metadata and unused ids; prefix the other ids; use the colours of the page."""
    used = set(re.findall(r"#([\w.-]+)", " ".join(_references(root))))
    for element in root.iter():
        element.tag = _local_name(element.tag)
        for child in [child for child in element if _local_name(child.tag) in ("style", "metadata")]:
            element.remove(child)
        attributes = {_local_name(key): value for key, value in element.attrib.items()}
        if attributes.get("id") not in used:
            attributes.pop("id", None)
        for key, value in attributes.items():
            match key:
                case "id":
                    attributes[key] = f"{name}-{value}"
                case "href" if value.startswith("#"):
                    attributes[key] = f"#{name}-{value[1:]}"
                case "clip-path":
                    attributes[key] = _REFERENCE.sub(rf"url(#{name}-\1)", value)
                case "style":
                    style = _FONT.sub("", value)
                    attributes[key] = _COLOUR.sub(lambda match: _PAGE_COLOURS[match[0]], style)
        element.attrib.clear()
        element.attrib.update(attributes)


def _references(root: ET.Element) -> list[str]:
    """Return the attribute values in which one element refers to another."""
    return [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if _local_name(key) == "clip-path" or (_local_name(key) == "href" and value.startswith("#"))
    ]


def _local_name(name: str) -> str:
    """Return a name without its namespace, which HTML does not have."""
    return name.rpartition("}")[2]
