"""A comparison as a page: verdicts, tables, and the images on which models differ; it asks the network for nothing.

Class, file and run names are anybody's: all that goes into the page is escaped, and the page allows itself no script.
"""

from importlib.resources import files
from typing import Final, NamedTuple

from optotype.comparing.comparison import Comparison, Disagreement, Pair
from optotype.data.pictures.encode import png_uri
from optotype.metrics import Estimate
from optotype.metrics.formatting import format_points

MOST_IMAGES: Final = 200
"""Images that are shown of a pair, where there are few pairs."""
_MOST_IN_ALL: Final = 1000
_MOST_BYTES: Final = 6 << 20
_FEWEST: Final = 4
MOST_VERDICTS: Final = 15
"""Pairs up to which each verdict is spelled out; of more the table is read more easily."""
_OPEN: Final = 3
"""Pairs up to which their images lie open when the page does."""


class Bar(NamedTuple):
    """An interval as a picture: ends and middle in percent of its width."""

    low: float
    value: float
    high: float


class _Image(NamedTuple):
    """An image on which two models differ, and what they say of it: (key, class, probability, whether it is right)."""

    about: Disagreement
    png: str
    said: tuple[tuple[str, str, float, bool], ...]


class _Section(NamedTuple):
    pair: Pair
    images: list[_Image]
    total: int


def render_comparison(comparison: Comparison) -> str:
    """Write the page.

    Args:
        comparison: What was found, with its images.

    Returns:
        HTML that needs no other file.
    """
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - loaded only to write a page

    surroundings = Environment(autoescape=True, undefined=StrictUndefined)
    surroundings.filters["points"] = format_points
    text = files("optotype.reporting").joinpath("templates/comparison.html").read_text(encoding="utf-8")
    return surroundings.from_string(text).render(
        comparison=comparison,
        bars=bars([each.accuracy for each in comparison.candidates]),
        sections=[_section(comparison, pair) for pair in comparison.pairs],
        verdicts=_verdicts(comparison),
        most_verdicts=MOST_VERDICTS,
        lie_open=len(comparison.pairs) <= _OPEN,
    )


def _verdicts(comparison: Comparison) -> list[str]:
    """Give the verdicts that stand above all: about recipes, then about models unless these are too many."""
    recipes = [each.verdict for each in comparison.recipes if each.difference is not None]
    models = [each.verdict for each in comparison.pairs] if len(comparison.pairs) <= MOST_VERDICTS else []
    return [*recipes, *models, *(each.verdict for each in comparison.recipes if each.difference is None)]


def bars(estimates: list[Estimate]) -> list[Bar]:
    """Lay intervals over one another: on one scale, that all of them just fill.

    Args:
        estimates: At least one.
    """
    low, high = min(each.low for each in estimates), max(each.high for each in estimates)
    # Three percent to either side, so that no mark is cut off; and all in the middle where nothing varies.
    scale = 94 / (high - low) if high > low else 0.0
    start = 3.0 if high > low else 50.0
    return [
        Bar(*(round(start + scale * (end - low), 2) for end in (each.low, each.value, each.high)))
        for each in estimates
    ]


def _section(comparison: Comparison, pair: Pair) -> _Section:
    differing = comparison.disagreements_between(pair)
    shown = differing[: _most(comparison)]
    return _Section(pair, [_image(comparison, *each) for each in shown], len(differing))


def _most(comparison: Comparison) -> int:
    """Say how many images of each pair are shown, so that a page with many pairs or large images still opens."""
    images = comparison.images
    size = max(1, images[0].size) if images is not None and len(images) else 1
    return max(_FEWEST, min(MOST_IMAGES, min(_MOST_IN_ALL, _MOST_BYTES // size) // len(comparison.pairs)))


def _image(comparison: Comparison, about: Disagreement, *places: int) -> _Image:
    assert comparison.images is not None  # noqa: S101 - only what was read from JSON has none, and no page is asked of it
    said = tuple(
        (
            comparison.candidates[place].key,
            about.predicted[place],
            about.probability[place],
            about.predicted[place] == about.label,
        )
        for place in places
    )
    return _Image(about, png_uri(comparison.images[about.index]), said)
