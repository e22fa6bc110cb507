"""The table of a network: its layers, what shape each gives, and how many parameters it has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from optotype.engine.layers import Layer, LayerRow


def layers_table(rows: "Sequence[LayerRow]") -> "Table":
    """Lay out a network as a table that ends with its totals.

    Args:
        rows: What ``describe`` gave for the network.
    """
    from rich import box
    from rich.table import Table

    trainable = sum(row.trainable_size for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("layer", footer="total (trainable)")
    table.add_column("output shape", justify="right")
    table.add_column("parameters", justify="right", footer=f"{total(rows):,} ({trainable:,})")
    for row in rows:
        table.add_row(
            one_line(row.layer), " x ".join(map(str, row.output_shape)), f"{row.size:,}" if row.size else "-"
        )
    return table


def layers_json(rows: "Sequence[LayerRow]") -> list[dict[str, object]]:
    """Give the same table as data."""
    return [
        {
            "layer": one_line(row.layer),
            "output_shape": list(row.output_shape),
            "parameters": row.size,
            "trainable": row.trainable_size,
        }
        for row in rows
    ]


def total(rows: "Sequence[LayerRow]") -> int:
    """Count a network's parameters, trainable or not."""
    return sum(row.size for row in rows)


def one_line(layer: "Layer") -> str:
    """Describe a layer in a few words: "Conv2D 32 5x5 relu"."""
    from optotype.engine.layers import Conv2D, Dense, Dropout, MaxPooling2D

    match layer:
        case Dense():
            words = [str(layer.units), layer.activation]
        case Conv2D():
            words = [str(layer.filters), _sides(layer.window), layer.activation]
            words += [layer.padding] * (layer.padding != "valid")
        case MaxPooling2D():
            words = [_sides(layer.window)]
        case Dropout():
            words = [f"{layer.rate:g}"]
        case _:
            words = []
    return " ".join([layer.type, *(word for word in words if word != "linear")])


def _sides(window: tuple[int, int]) -> str:
    return f"{window[0]}x{window[1]}"
