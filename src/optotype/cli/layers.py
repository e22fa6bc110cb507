"""The table of a network's layers: their output shapes and numbers of parameters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from optotype.cli.terminal import new_table

if TYPE_CHECKING:
    from rich.table import Table

    from optotype.engine.layers import LayerRow


def layers_table(rows: "Sequence[LayerRow]") -> "Table":
    """Return a network's layers as a table that ends with the totals.

    Args:
        rows: The result of ``describe`` for the network.
    """
    from optotype.engine.layers import one_line

    trainable = sum(row.trainable_size for row in rows)
    table = new_table(show_footer=True)
    table.add_column("layer", footer="total (trainable)")
    table.add_column("output shape", justify="right")
    table.add_column("parameters", justify="right", footer=f"{count_parameters(rows):,} ({trainable:,})")
    for row in rows:
        shape = " x ".join(map(str, row.output_shape))
        table.add_row(one_line(row.layer), shape, f"{row.size:,}" if row.size else "-")
    return table


def layers_json(rows: "Sequence[LayerRow]") -> list[dict[str, object]]:
    """Return the same table as JSON values."""
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


def count_parameters(rows: "Sequence[LayerRow]") -> int:
    """Count a network's parameters, trainable or not."""
    return sum(row.size for row in rows)
