"""`optotype compare`: compare models on the same images, with a verdict for every pair and a report page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from optotype.cli.options import Json
from optotype.cli.terminal import (
    make_console,
    new_table,
    print_fact,
    print_json,
    print_text,
    print_wide_table,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.comparing.comparison import Comparison

_MAX_NAME: Final = 60
"""Characters of a model's name in the name of a folder."""


def compare(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET", help="Two or more run folders or model files.")
    ],
    on: Annotated[
        Literal["validation", "test"],
        typer.Option(help="The images to compare on. 'test' opens the sealed test set, which is counted."),
    ] = "validation",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The output folder. Default: compare-A-B in the current folder."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare models on the same images and test which one is better.

    All models must be trained on the same data with the same split. The verdict
    on a pair of models rests on the images that only one of them classifies
    correctly. With five or more seeds of each recipe there is also a verdict on
    the recipes. comparison.html shows the images on which the models disagree.
    """
    from optotype.storage.outputs import check_output_folder

    if out is not None:  # checked first: no opening may be spent on a result that cannot be saved
        check_output_folder(out)
    console = make_console()
    comparison = _compare(console, targets, on, json=json)
    folder = out or Path(_folder_name([model.name for model in comparison.candidates]))
    report, values = _write(comparison, folder)
    if json:
        print_json({**comparison.to_json(), "report": str(report), "comparison": str(values)})
        return
    _print_comparison(console, comparison)
    print_fact(console, "report", report)
    print_fact(console, "comparison", values)


def _compare(
    console: "Console", targets: list[str], on: Literal["validation", "test"], *, json: bool
) -> "Comparison":
    """Compare the models, with a status line on a terminal."""
    from optotype.comparing.compare import compare as compare_targets

    if json or not console.is_terminal:
        return compare_targets(*targets, on=on)
    with console.status("") as status:
        return compare_targets(*targets, on=on, report=status.update)


def _folder_name(names: list[str]) -> str:
    """Return the default folder's name; it contains the names of the first two models."""
    from optotype.runs.naming import file_name

    more = f"-and-{len(names) - 2}-more" if len(names) > 2 else ""
    return f"compare-{file_name(names[0], _MAX_NAME)}-{file_name(names[1], _MAX_NAME)}{more}"


def _write(comparison: "Comparison", folder: Path) -> tuple[Path, Path]:
    """Write the report and the values; return their paths."""
    from json import dumps

    from optotype.reporting.comparison import render_comparison
    from optotype.storage.atomic import write_durably
    from optotype.storage.outputs import mark_output

    folder.mkdir(parents=True, exist_ok=True)
    mark_output(folder)
    report, values = folder / "comparison.html", folder / "comparison.json"
    write_durably(report, render_comparison(comparison).encode())
    write_durably(values, f"{dumps(comparison.to_json(), indent=1)}\n".encode())
    return report, values


def _print_comparison(console: "Console", comparison: "Comparison") -> None:
    """Print the models, the notes and the verdicts."""
    print_text(console, f"{comparison.data}, {comparison.n:,} {comparison.on} images")
    print_wide_table(console, _table(comparison))
    for note in comparison.notes:
        print_text(console, note)
    if comparison.opening is not None:
        print_text(console, f"The sealed test set was opened: opening {comparison.opening} of this test set.")
    for verdict in _verdicts(comparison):
        print_text(console, verdict, bold=True)


def _verdicts(comparison: "Comparison") -> Sequence[str]:
    """Return every verdict; a single sentence stands for the pairs of models if there are too many to read."""
    from optotype.reporting.comparison import MAX_VERDICTS

    pairs = len(comparison.pairs)
    if pairs <= MAX_VERDICTS:
        return comparison.verdicts
    different = sum(pair.better is not None for pair in comparison.pairs)
    models = (
        f"{different} of {pairs} pairs of models differ significantly; comparison.html lists the verdicts"
    )
    return [models, *(recipes.verdict for recipes in comparison.recipes)]


def _table(comparison: "Comparison") -> "Table":
    table = new_table()
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("recipe", overflow="fold")
    for heading in ("seed", "accuracy", "95 % interval"):
        table.add_column(heading, justify="right")
    for model in comparison.candidates:
        accuracy = model.accuracy
        interval = f"[{accuracy.low:.4f}, {accuracy.high:.4f}]"
        table.add_row(model.key, model.name, model.recipe, str(model.seed), f"{accuracy.value:.4f}", interval)
    return table
