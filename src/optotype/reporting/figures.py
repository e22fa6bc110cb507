"""The figures of a report. Each has a table beside it with the same numbers, so its alt text is short."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.judging.judgement import Baseline, CalibrationCheck, ClassScore, Reliability, RobustnessCurve
from optotype.metrics import Estimate
from optotype.reporting.confusion import Counts, rates
from optotype.reporting.svg import BLUE, FAINT, LINE, ORANGE, inline_svg
from optotype.reporting.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NUMBERS: Final = 12
"""Classes of a confusion matrix in whose fields the numbers are legible."""
MOST_NAMES: Final = 40
"""Classes whose names can stand at an axis."""
MOST_RECALLS: Final = 20
"""Classes of which a recall is drawn."""
_LETTERS: Final = 24
# The deepest colour of the confusion matrix still lets a number on it be read, on light paper and dark.
_DEEPEST: Final = 0.6
_FAINTEST: Final = 0.08


def short(name: str) -> str:
    """Shorten a name for an axis, in the middle, for names often differ at their ends; and keep it printable."""
    line = "".join(character if character.isprintable() else " " for character in name)
    half = _LETTERS // 2
    return line if len(line) <= _LETTERS else f"{line[:half]}…{line[1 - half :]}"


def confusion_matrix(counts: Counts, names: Sequence[str], order: NDArray[np.int64]) -> str:
    """Draw which classes were taken for which, as shares of each label's images.

    Args:
        counts: Number of images by label (row) and predicted class (column).
        names: Of the classes.
        order: In which they stand.
    """
    share = rates(counts)[np.ix_(order, order)]
    told = np.array(counts)[np.ix_(order, order)]
    labels = [short(names[place]) for place in order]

    def paint(axes: "Axes") -> None:
        axes.imshow(_colours(share), interpolation="none")
        if len(order) <= MOST_NUMBERS:
            for row, column in np.ndindex(told.shape):
                if told[row, column]:
                    axes.text(column, row, f"{told[row, column]}", ha="center", va="center", fontsize=8)
        axes.set_xlabel("predicted")
        axes.set_ylabel("label")
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color(FAINT)
        if len(order) <= MOST_NAMES:
            size = 9 if len(order) <= MOST_NUMBERS else 6
            long = max(map(len, labels)) > 2
            axes.set_xticks(range(len(order)), labels, fontsize=size, rotation=90 if long else 0)
            axes.set_yticks(range(len(order)), labels, fontsize=size)
        else:
            axes.set_xticks([])
            axes.set_yticks([])

    right = percent(float(np.trace(told)) / max(told.sum(), 1))
    return inline_svg(
        paint,
        "confusion",
        f"Confusion matrix of {len(order)} classes: {right} of the images are on the diagonal, where label and"
        " prediction agree",
        (5.0, 4.8),
    )


def _colours(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour what is right blue by its share, mistakes orange by their share of the most frequent one's."""
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - matplotlib is loaded only to draw

    right = np.eye(len(share), dtype=np.bool_)
    wrong = np.where(right, 0, share)
    depth = np.where(right, share, wrong / (wrong.max() or 1.0))
    rgb = np.where(right[..., np.newaxis], to_rgb(BLUE), to_rgb(ORANGE))
    alpha = np.where(share > 0, _FAINTEST + (_DEEPEST - _FAINTEST) * depth, 0)
    return np.concatenate([rgb, alpha[..., np.newaxis]], axis=2)


def recalls(classes: Sequence[ClassScore]) -> str:
    """Draw the recall of classes with its interval, the lowest first; each must have images."""
    ranked = sorted(classes, key=lambda each: each.recall.value if each.recall else 0.0)
    told = [(short(each.name), each.recall) for each in ranked if each.recall]
    lowest = f"; the lowest is {told[0][0]} with {percent(told[0][1].value)}" if told else ""
    return _dots("recalls", told, "recall", f"Recall of {len(told)} classes{lowest}")


def baselines(own: Estimate, name: str, others: Sequence[Baseline]) -> str:
    """Draw the model's accuracy beside that of simpler classifiers."""
    ranked = sorted(
        [(name, own), *((each.name, each.accuracy) for each in others)], key=lambda each: each[1].value
    )
    told = [(short(each), estimate) for each, estimate in ranked]
    alt = "Accuracy: " + ", ".join(f"{each} {percent(estimate.value)}" for each, estimate in ranked)
    return _dots("baselines", told, "accuracy", alt, marked=[each for each, _ in ranked].index(name))


def _dots(
    name: str, told: Sequence[tuple[str, Estimate]], quantity: str, alt: str, marked: int | None = None
) -> str:
    """Draw estimates as dots with their intervals, one below the other."""

    def paint(axes: "Axes") -> None:
        places = np.arange(len(told))
        values = np.array([each.value for _, each in told])
        _intervals(axes, places, [each for _, each in told], sideways=True)
        axes.plot(values, places, "o", color=BLUE, markersize=5)
        if marked is not None:
            axes.plot(values[marked], marked, "D", color=ORANGE, markersize=7)
        axes.set_yticks(places, [each for each, _ in told])
        axes.set_ylim(len(told) - 0.5, -0.5)
        axes.set_xlabel(f"{quantity}, with its 95 % interval")
        axes.grid(visible=True, axis="x")

    return inline_svg(paint, name, alt, (5.0, 0.8 + 0.22 * max(len(told), 3)))


def reliability(check: CalibrationCheck) -> str:
    """Draw how often the model is right by how sure it is, before and after calibration."""

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, label="as sure as right")
        _series(axes, check.before, ORANGE, "s", "before calibration")
        _intervals(
            axes, [each.confidence for each in check.after.bins], [each.accuracy for each in check.after.bins]
        )
        _series(axes, check.after, BLUE, "o", "after calibration")
        axes.set_xlabel("mean probability of the prediction")
        axes.set_ylabel("share of right predictions")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(visible=True)
        axes.legend(loc="upper left")

    off = [f"{100 * each.ece.value:.2f}" for each in (check.before, check.after)]
    alt = f"Reliability diagram: probabilities are off by {off[0]} points before calibration, {off[1]} after"
    return inline_svg(paint, "reliability", alt, (5.0, 4.2))


def _series(axes: "Axes", told: Reliability, colour: str, marker: str, label: str) -> None:
    sure = [each.confidence for each in told.bins]
    right = [each.accuracy.value for each in told.bins]
    axes.plot(sure, right, color=colour, marker=marker, markersize=5, label=label)


def robustness(curve: RobustnessCurve, name: str) -> str:
    """Draw accuracy by how much the images are changed."""

    def paint(axes: "Axes") -> None:
        axes.fill_between(
            curve.levels,
            [each.low for each in curve.accuracy],
            [each.high for each in curve.accuracy],
            color=LINE,
            linewidth=0,
        )
        axes.plot(curve.levels, [each.value for each in curve.accuracy], color=BLUE, marker="o", markersize=5)
        axes.set_xlabel(short(curve.change))
        axes.set_ylabel("accuracy")
        axes.set_ylim(-0.02, 1.02)
        axes.grid(visible=True)

    first, last = curve.accuracy[0], curve.accuracy[-1]
    alt = (
        f"Accuracy under {curve.change}: {percent(first.value)} without,"
        f" {percent(last.value)} at {curve.levels[-1]:g} {curve.unit}"
    )
    return inline_svg(paint, name, alt, (3.6, 2.8))


def _intervals(
    axes: "Axes",
    places: Sequence[float] | NDArray[np.int64],
    told: Sequence[Estimate],
    *,
    sideways: bool = False,
) -> None:
    low, high = [each.low for each in told], [each.high for each in told]
    lines = axes.hlines if sideways else axes.vlines
    lines(places, low, high, color=FAINT, linewidth=1.5)
