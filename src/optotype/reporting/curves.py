"""The curves of a run as pictures: loss and accuracy over the epochs, training beside validation."""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from optotype.reporting.svg import BLUE, FAINT, LINE, ORANGE, inline_svg
from optotype.runs.epoch import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKED: Final = 60
Quantity = Literal["loss", "accuracy"]


def draw(epochs: Sequence[Epoch], quantity: Quantity, title: str, best: int | None = None) -> bytes:
    """Draw one quantity over the epochs as a picture of its own.

    Args:
        epochs: The finished epochs, at least one.
        quantity: "loss" or "accuracy".
        title: What was trained on what.
        best: Number of the epoch whose weights were kept, to be marked; None for no mark.

    Returns:
        A PNG file of 1280 by 800 pixels.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second to load, only when drawn

    figure = Figure(figsize=(8, 5), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, parse_math=False)
    _paint(axes, epochs, quantity, best)
    picture = io.BytesIO()
    with warnings.catch_warnings():
        # A title in a script that the font lacks is drawn with boxes; that is no reason to alarm anybody.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(picture, format="png")
    return picture.getvalue()


def inline_curve(epochs: Sequence[Epoch], quantity: Quantity, name: str, best: int | None = None) -> str:
    """Draw one quantity over the epochs as a part of a page.

    Args:
        epochs: The finished epochs, at least one.
        quantity: "loss" or "accuracy".
        name: As for ``inline_svg``.
        best: As for ``draw``.

    Returns:
        An svg element.
    """
    first, last = epochs[0], epochs[-1]
    told = [f"{quantity.capitalize()} over {len(epochs)} epochs"]
    told += [f"training from {getattr(first, quantity):.4f} to {getattr(last, quantity):.4f}"]
    start, end = (getattr(epoch, f"val_{quantity}") for epoch in (first, last))
    if start is not None and end is not None:
        told += [f"validation from {start:.4f} to {end:.4f}"]
    return inline_svg(lambda axes: _paint(axes, epochs, quantity, best), name, ", ".join(told))


def _paint(axes: "Axes", epochs: Sequence[Epoch], quantity: Quantity, best: int | None) -> None:
    _lines(axes, epochs, quantity)
    if best is not None:
        axes.axvline(best, color=FAINT, linewidth=1, linestyle="--", label=f"best epoch ({best})", zorder=1)
    _furnish(axes, quantity)


def _lines(axes: "Axes", epochs: Sequence[Epoch], quantity: Quantity) -> None:
    numbers = [epoch.epoch for epoch in epochs]
    marker = "o" if len(epochs) <= _MARKED else None
    training = [getattr(epoch, quantity) for epoch in epochs]
    axes.plot(numbers, training, color=BLUE, marker=marker, markersize=4, label="training (while learning)")
    validation = [getattr(epoch, f"val_{quantity}") for epoch in epochs]
    if None not in validation:
        mark = "s" if marker else None
        axes.plot(numbers, validation, color=ORANGE, marker=mark, markersize=4, label="validation")


def _furnish(axes: "Axes", quantity: Quantity) -> None:
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
