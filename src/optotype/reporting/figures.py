"""The figures of a report. The page has a table with the same numbers beside each, so the alt texts are short."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics import Estimate
from optotype.reporting.confusion import Counts, rates
from optotype.reporting.svg import BLUE, FAINT, LINE, ORANGE, inline_svg
from optotype.reporting.words import format_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from optotype.judging.judgement import (
        Baseline,
        CalibrationCheck,
        ClassScore,
        Reliability,
        RobustnessCurve,
    )

MAX_NUMBERS: Final = 12
"""Classes up to which the fields of a confusion matrix contain legible numbers."""
MAX_NAMES: Final = 40
"""Classes up to which their names fit on an axis."""
MAX_RECALLS: Final = 20
"""Classes whose recall is drawn."""
_MAX_LETTERS: Final = 24
# At this opacity a number on the field is legible on light and dark pages.
_MAX_OPACITY: Final = 0.6
_MIN_OPACITY: Final = 0.08


def shorten(name: str) -> str:
    """Return a printable name for an axis, shortened in the middle because names often differ at their ends."""
    line = "".join(character if character.isprintable() else " " for character in name)
    half = _MAX_LETTERS // 2
    return line if len(line) <= _MAX_LETTERS else f"{line[:half]}…{line[1 - half :]}"


def confusion_matrix(counts: Counts, names: Sequence[str], order: NDArray[np.int64]) -> str:
    """Draw a confusion matrix as shares of each label's images.

    Args:
        counts: Number of images by label (row) and predicted class (column).
        names: Names of the classes.
        order: Order of the classes on both axes.
    """
    shares = rates(counts)[np.ix_(order, order)]
    ordered = np.array(counts)[np.ix_(order, order)]
    labels = [shorten(names[label]) for label in order]

    def draw(axes: "Axes") -> None:
        axes.imshow(_field_colours(shares), interpolation="none")
        if len(order) <= MAX_NUMBERS:
            for row, column in np.ndindex(ordered.shape):
                if ordered[row, column]:
                    axes.text(column, row, f"{ordered[row, column]}", ha="center", va="center", fontsize=8)
        axes.set_xlabel("predicted")
        axes.set_ylabel("label")
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color(FAINT)
        if len(order) <= MAX_NAMES:
            size = 9 if len(order) <= MAX_NUMBERS else 6
            rotation = 90 if max(map(len, labels)) > 2 else 0
            axes.set_xticks(range(len(order)), labels, fontsize=size, rotation=rotation)
            axes.set_yticks(range(len(order)), labels, fontsize=size)
        else:
            axes.set_xticks([])
            axes.set_yticks([])

    correct = format_percent(float(np.trace(ordered)) / max(ordered.sum(), 1))
    alt = (
        f"Confusion matrix of {len(order)} classes: {correct} of the images are on the diagonal, where label and"
        " prediction agree"
    )
    return inline_svg(draw, "confusion", alt, (5.0, 4.8))


def _field_colours(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return RGBA colours: blue for correct, orange for errors, the latter relative to the most frequent error."""
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - matplotlib is loaded only to draw

    diagonal = np.eye(len(shares), dtype=np.bool_)
    errors = np.where(diagonal, 0, shares)
    depth = np.where(diagonal, shares, errors / (errors.max() or 1.0))
    rgb = np.where(diagonal[..., np.newaxis], to_rgb(BLUE), to_rgb(ORANGE))
    alpha = np.where(shares > 0, _MIN_OPACITY + (_MAX_OPACITY - _MIN_OPACITY) * depth, 0)
    return np.concatenate([rgb, alpha[..., np.newaxis]], axis=2)


def recalls(classes: "Sequence[ClassScore]") -> str:
    """Draw the recall of classes with its interval, the lowest first; each class must have images."""
    ranked = sorted(classes, key=lambda each: each.recall.value if each.recall else 0.0)
    rows = [(shorten(each.name), each.recall) for each in ranked if each.recall]
    lowest = f"; the lowest is {rows[0][0]} with {format_percent(rows[0][1].value)}" if rows else ""
    return _dot_plot("recalls", rows, "recall", f"Recall of {len(rows)} classes{lowest}")


def baselines(own: Estimate, name: str, others: "Sequence[Baseline]") -> str:
    """Draw the accuracy of the model and of its baselines."""
    rows = [(name, own), *((baseline.name, baseline.accuracy) for baseline in others)]
    ranked = sorted(rows, key=lambda row: row[1].value)
    alt = "Accuracy: " + ", ".join(f"{label} {format_percent(accuracy.value)}" for label, accuracy in ranked)
    highlighted = [label for label, _ in ranked].index(name)
    shortened = [(shorten(label), accuracy) for label, accuracy in ranked]
    return _dot_plot("baselines", shortened, "accuracy", alt, highlighted=highlighted)


def _dot_plot(
    name: str, rows: Sequence[tuple[str, Estimate]], quantity: str, alt: str, highlighted: int | None = None
) -> str:
    """Draw estimates as dots with their intervals, one per row."""

    def draw(axes: "Axes") -> None:
        positions = np.arange(len(rows))
        values = np.array([estimate.value for _, estimate in rows])
        _draw_intervals(axes, positions, [estimate for _, estimate in rows], horizontal=True)
        axes.plot(values, positions, "o", color=BLUE, markersize=5)
        if highlighted is not None:
            axes.plot(values[highlighted], highlighted, "D", color=ORANGE, markersize=7)
        axes.set_yticks(positions, [label for label, _ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(f"{quantity} with 95 % interval")
        axes.grid(visible=True, axis="x")

    return inline_svg(draw, name, alt, (5.0, 0.8 + 0.22 * max(len(rows), 3)))


def reliability(check: "CalibrationCheck") -> str:
    """Draw accuracy by confidence, before and after calibration."""

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, label="perfect calibration")
        _draw_reliability(axes, check.before, ORANGE, "s", "before calibration")
        confidences = [each.confidence for each in check.after.bins]
        _draw_intervals(axes, confidences, [each.accuracy for each in check.after.bins])
        _draw_reliability(axes, check.after, BLUE, "o", "after calibration")
        axes.set_xlabel("mean confidence")
        axes.set_ylabel("accuracy")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(visible=True)
        # Above the axes, where no curve can be hidden.
        axes.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=3,
            fontsize=9,
            columnspacing=1.0,
            handlelength=1.5,
        )

    before, after = (f"{100 * each.ece.value:.2f}" for each in (check.before, check.after))
    alt = f"Reliability diagram: calibration error {before} points before calibration, {after} after"
    return inline_svg(draw, "reliability", alt, (5.0, 4.2))


def _draw_reliability(axes: "Axes", measured: "Reliability", colour: str, marker: str, label: str) -> None:
    confidences = [each.confidence for each in measured.bins]
    accuracies = [each.accuracy.value for each in measured.bins]
    axes.plot(confidences, accuracies, color=colour, marker=marker, markersize=5, label=label)


def robustness(curve: "RobustnessCurve", name: str) -> str:
    """Draw accuracy by the strength of a change."""

    def draw(axes: "Axes") -> None:
        low, high = [each.low for each in curve.accuracy], [each.high for each in curve.accuracy]
        axes.fill_between(curve.levels, low, high, color=LINE, linewidth=0)
        axes.plot(curve.levels, [each.value for each in curve.accuracy], color=BLUE, marker="o", markersize=5)
        axes.set_xlabel(shorten(curve.change))
        axes.set_ylabel("accuracy")
        axes.set_ylim(-0.02, 1.02)
        axes.grid(visible=True)

    first, last = curve.accuracy[0], curve.accuracy[-1]
    alt = (
        f"Accuracy under {curve.change}: {format_percent(first.value)} unchanged,"
        f" {format_percent(last.value)} at {curve.levels[-1]:g} {curve.unit}"
    )
    return inline_svg(draw, name, alt, (3.6, 2.8))


def _draw_intervals(
    axes: "Axes",
    positions: Sequence[float] | NDArray[np.int64],
    estimates: Sequence[Estimate],
    *,
    horizontal: bool = False,
) -> None:
    low, high = [each.low for each in estimates], [each.high for each in estimates]
    lines = axes.hlines if horizontal else axes.vlines
    lines(positions, low, high, color=FAINT, linewidth=1.5)
