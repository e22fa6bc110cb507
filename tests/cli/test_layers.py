"""The table of a network's layers."""

from rich.console import Console

from optotype.cli.layers import count_parameters, layers_json, layers_table
from optotype.engine.layers import describe
from optotype.recipes.builtin import load_recipe

ROWS = describe(load_recipe("dnn-sigmoid").network_layers(10), (28, 28, 1))


def test_table_ends_with_the_totals() -> None:
    """The last line has the numbers of all parameters and of trainable parameters of the built-in recipe."""
    console = Console(width=80)
    with console.capture() as captured:
        console.print(layers_table(ROWS))
    lines = [line for line in captured.get().splitlines() if line.strip()]
    assert "188,436 (186,868)" in lines[-1]
    assert len(lines) == 2 + len(ROWS) + 1


def test_json_has_the_same_numbers() -> None:
    """The JSON rows add up to the totals of the table."""
    rows = layers_json(ROWS)
    assert count_parameters(ROWS) == 188_436
    assert sum(int(str(row["parameters"])) for row in rows) == 188_436
    assert sum(int(str(row["trainable"])) for row in rows) == 186_868
    assert rows[0]["output_shape"] == [784]
