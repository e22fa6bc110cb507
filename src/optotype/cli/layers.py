"""The table of a network: its layers, what shape each gives, and how many parameters it has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from optotype.engine.layers import LayerRow


def layers_table(rows: "Sequence[LayerRow]") -> "Table":
    """Lay out a network as a table that ends with its totals.

    Args:
        rows: What ``describe`` gave for the network.
    """
    from rich import box
    from rich.table import Table

    from optotype.engine.layers import one_line

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
    from optotype.engine.layers import one_line

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
