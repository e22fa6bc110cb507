"""The page of a comparison: verdicts, tables, and the images on which models disagree, in one self-contained file.

Class, file and run names can contain any text: everything in the page is escaped, and the page allows no script.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from optotype.data.pictures.encode import png_uri
from optotype.metrics import Estimate
from optotype.reporting.rendering import render_template

if TYPE_CHECKING:
    from optotype.comparing.comparison import Comparison, Disagreement, Pair

MAX_IMAGES: Final = 200
"""Images that are shown of each pair if there are few pairs."""
MAX_VERDICTS: Final = 15
"""Pairs up to which each verdict is written as a sentence; a table is easier to read for more pairs."""
_MAX_TOTAL_IMAGES: Final = 1000
_MAX_BYTES: Final = 6 << 20
_MIN_IMAGES: Final = 4
_MAX_OPEN: Final = 3
"""Pairs up to which the galleries are unfolded when the page opens."""


class Bar(NamedTuple):
    """An interval as a drawing: its ends and its value in percent of the width."""

    low: float
    value: float
    high: float


class _Answer(NamedTuple):
    """A model's prediction for an image."""

    key: str
    predicted: str
    probability: float
    is_correct: bool


class _Image(NamedTuple):
    """An image on which two models disagree, with their predictions."""

    disagreement: "Disagreement"
    uri: str
    answers: tuple[_Answer, ...]


class _Section(NamedTuple):
    """A pair of models, the images that are shown, and the number of all images on which they disagree."""

    pair: "Pair"
    images: list[_Image]
    total: int


def render_comparison(comparison: "Comparison") -> str:
    """Return a comparison as HTML that needs no other file.

    Args:
        comparison: The comparison with its images.
    """
    return render_template(
        "comparison.html",
        {
            "comparison": comparison,
            "bars": bars([candidate.accuracy for candidate in comparison.candidates]),
            "sections": [_section(comparison, pair) for pair in comparison.pairs],
            "verdicts": _top_verdicts(comparison),
            "max_verdicts": MAX_VERDICTS,
            "is_open": len(comparison.pairs) <= _MAX_OPEN,
        },
    )


def _top_verdicts(comparison: "Comparison") -> list[str]:
    """Return the verdicts at the top of the page: about recipes, then about models unless there are too many."""
    recipes = [pair.verdict for pair in comparison.recipes if pair.difference is not None]
    untested = [pair.verdict for pair in comparison.recipes if pair.difference is None]
    models = [pair.verdict for pair in comparison.pairs] if len(comparison.pairs) <= MAX_VERDICTS else []
    return [*recipes, *models, *untested]


def bars(estimates: Sequence[Estimate]) -> list[Bar]:
    """Scale intervals to one axis that they just fill.

    Args:
        estimates: At least one.
    """
    low, high = min(each.low for each in estimates), max(each.high for each in estimates)
    # A margin of three percent keeps every mark inside. Without any variation all marks are in the middle.
    scale = 94 / (high - low) if high > low else 0.0
    start = 3.0 if high > low else 50.0
    return [
        Bar(*(round(start + scale * (end - low), 2) for end in (each.low, each.value, each.high)))
        for each in estimates
    ]


def _section(comparison: "Comparison", pair: "Pair") -> _Section:
    disagreements = comparison.disagreements_between(pair)
    shown = disagreements[: _image_limit(comparison)]
    return _Section(pair, [_image(comparison, *each) for each in shown], len(disagreements))


def _image_limit(comparison: "Comparison") -> int:
    """Return how many images of each pair are shown: few for many pairs or large images, so that the page opens."""
    images = comparison.images
    size = max(1, images[0].size) if images is not None and len(images) else 1
    limit = min(_MAX_TOTAL_IMAGES, _MAX_BYTES // size) // len(comparison.pairs)
    return max(_MIN_IMAGES, min(MAX_IMAGES, limit))


def _image(comparison: "Comparison", disagreement: "Disagreement", *positions: int) -> _Image:
    # Only a comparison that was read from JSON has no images, and no page is made of it.
    assert comparison.images is not None  # noqa: S101
    answers = tuple(
        _Answer(
            comparison.candidates[position].key,
            disagreement.predicted[position],
            disagreement.probability[position],
            disagreement.predicted[position] == disagreement.label,
        )
        for position in positions
    )
    return _Image(disagreement, png_uri(comparison.images[disagreement.index]), answers)
