"""Learning curves as figures: loss or accuracy over the epochs, training and validation."""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from optotype.reporting.svg import BLUE, FAINT, LINE, ORANGE, inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from optotype.runs.epoch import Epoch

_MAX_MARKERS: Final = 60
Quantity = Literal["loss", "accuracy"]


def draw(epochs: "Sequence[Epoch]", quantity: Quantity, title: str, best: int | None = None) -> bytes:
    """Draw one quantity over the epochs as a PNG file.

    Args:
        epochs: The finished epochs, at least one.
        quantity: "loss" or "accuracy".
        title: Title of the figure.
        best: Number of the epoch whose weights are saved, to be marked; None for no mark.

    Returns:
        A PNG file of 1280 by 800 pixels.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second to load, only when drawn

    figure = Figure(figsize=(8, 5), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, parse_math=False)
    _draw_axes(axes, epochs, quantity, best)
    content = io.BytesIO()
    with warnings.catch_warnings():
        # A title in a script that the font lacks is drawn with boxes; that needs no warning.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(content, format="png")
    return content.getvalue()


def inline_curve(epochs: "Sequence[Epoch]", quantity: Quantity, name: str, best: int | None = None) -> str:
    """Draw one quantity over the epochs as part of a page.

    Args:
        epochs: The finished epochs, at least one.
        quantity: "loss" or "accuracy".
        name: As for ``inline_svg``.
        best: As for ``draw``.

    Returns:
        An svg element.
    """
    first, last = epochs[0], epochs[-1]
    parts = [f"{quantity.capitalize()} over {len(epochs)} epochs"]
    parts += [f"training from {getattr(first, quantity):.4f} to {getattr(last, quantity):.4f}"]
    start, end = (getattr(epoch, f"val_{quantity}") for epoch in (first, last))
    if start is not None and end is not None:
        parts += [f"validation from {start:.4f} to {end:.4f}"]
    return inline_svg(lambda axes: _draw_axes(axes, epochs, quantity, best), name, ", ".join(parts))


def _draw_axes(axes: "Axes", epochs: "Sequence[Epoch]", quantity: Quantity, best: int | None) -> None:
    _draw_lines(axes, epochs, quantity)
    if best is not None:
        axes.axvline(best, color=FAINT, linewidth=1, linestyle="--", label=f"best epoch ({best})", zorder=1)
    _label_axes(axes, quantity)


def _draw_lines(axes: "Axes", epochs: "Sequence[Epoch]", quantity: Quantity) -> None:
    numbers = [epoch.epoch for epoch in epochs]
    has_markers = len(epochs) <= _MAX_MARKERS
    training = [getattr(epoch, quantity) for epoch in epochs]
    marker = "o" if has_markers else None
    axes.plot(numbers, training, color=BLUE, marker=marker, markersize=4, label="training (during the epoch)")
    validation = [getattr(epoch, f"val_{quantity}") for epoch in epochs]
    if None not in validation:
        marker = "s" if has_markers else None
        axes.plot(numbers, validation, color=ORANGE, marker=marker, markersize=4, label="validation")


def _label_axes(axes: "Axes", quantity: Quantity) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - matplotlib is loaded only to draw

    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (cross-entropy, nats)" if quantity == "loss" else "accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.02)
    if quantity == "loss":
        axes.set_ylim(bottom=0)
    axes.grid(visible=True, color=LINE)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False)
