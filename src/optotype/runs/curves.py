"""The curves of a run as pictures: loss and accuracy over the epochs, training beside validation.

matplotlib's objects are used directly, never pyplot: no global state, no window, nothing left open.
"""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from optotype.runs.epoch import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Blue and orange of Okabe and Ito (2008), told apart by every kind of colour vision; markers tell them apart in print.
_TRAIN: Final = "#0072B2"
_VALIDATION: Final = "#D55E00"
_MARKED: Final = 60
Quantity = Literal["loss", "accuracy"]


def draw(
    epochs: Sequence[Epoch],
    quantity: Quantity,
    title: str,
    best: int | None = None,
    form: Literal["png", "svg"] = "png",
) -> bytes:
    """Draw one quantity over the epochs.

    Args:
        epochs: The finished epochs, at least one.
        quantity: "loss" or "accuracy".
        title: What was trained on what.
        best: Number of the epoch whose weights were kept, to be marked; None for no mark.
        form: "png" for a picture of 1280 by 800 pixels, "svg" for lines and text that scale.

    Returns:
        The picture's file.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second to load, only when drawn

    figure = Figure(figsize=(8, 5), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    _lines(axes, epochs, quantity)
    if best is not None:
        axes.axvline(best, color="0.45", linewidth=1, linestyle="--", label=f"best epoch ({best})", zorder=1)
    _furnish(axes, quantity, title)
    picture = io.BytesIO()
    with warnings.catch_warnings():
        # A title in a script that the font lacks is drawn with boxes; that is no reason to alarm anybody.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(picture, format=form)
    return picture.getvalue()


def _lines(axes: "Axes", epochs: Sequence[Epoch], quantity: Quantity) -> None:
    numbers = [epoch.epoch for epoch in epochs]
    marker = "o" if len(epochs) <= _MARKED else None
    training = [getattr(epoch, quantity) for epoch in epochs]
    axes.plot(numbers, training, color=_TRAIN, marker=marker, markersize=4, label="training (while learning)")
    validation = [getattr(epoch, f"val_{quantity}") for epoch in epochs]
    if None not in validation:
        mark = "s" if marker else None
        axes.plot(numbers, validation, color=_VALIDATION, marker=mark, markersize=4, label="validation")


def _furnish(axes: "Axes", quantity: Quantity, title: str) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - matplotlib is loaded only to draw

    axes.set_title(title, parse_math=False)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (cross-entropy, nats)" if quantity == "loss" else "accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.02)
    if quantity == "loss":
        axes.set_ylim(bottom=0)
    axes.grid(visible=True, color="0.9")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False)
