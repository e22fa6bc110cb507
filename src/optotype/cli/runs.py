"""`optotype runs`: list the runs in a folder with their accuracies."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import typer

from optotype.cli.options import Json
from optotype.cli.terminal import make_console, new_table, print_json, print_text, print_wide_table
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.judging.run_accuracy import RunAccuracy
    from optotype.recipes.recipe import Recipe
    from optotype.runs.listing import DamagedRun
    from optotype.runs.run import Run

Order = Literal["created", "accuracy", "data", "recipe", "seed", "status", "time"]

_MIN_WIDTH: Final = 130
"""Columns that the table needs."""


class _Row(NamedTuple):
    run: "Run"
    recipe: "Recipe"
    accuracy: "RunAccuracy"
    seconds: float


# There is no order by test accuracy: taking the first run of such a list would select a model on the test set.
_SORT_KEYS: Final[dict[Order, Callable[[_Row], Any]]] = {
    "created": lambda _: 0,  # the listing's own order
    "accuracy": lambda row: -1 if row.accuracy.validation is None else -1 - row.accuracy.validation.value,
    "data": lambda row: row.run.data.name,
    "recipe": lambda row: (row.recipe.name, row.recipe.seed),
    "seed": lambda row: row.recipe.seed,
    "status": lambda row: row.run.status,
    "time": lambda row: -row.seconds,
}


def runs(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder with the runs.")] = "runs",
    sort: Annotated[
        Order,
        typer.Option(
            metavar="ORDER",
            help="created (newest first), accuracy (highest validation accuracy first), time (longest training"
            " first), data, recipe, seed or status.",
        ),
    ] = "created",
    json: Json = False,
) -> None:
    """List runs with their data, recipe, seed, status, accuracies and time.

    The sealed test set stays sealed: a run has a test accuracy once it has been
    judged. The last column counts the openings of its test set.
    """
    from optotype.runs.listing import list_runs

    listing = list_runs(folder)
    rows, damaged = _read_rows(listing.runs)
    rows.sort(key=_SORT_KEYS[sort])
    damaged = sorted([*listing.damaged, *damaged])
    if json:
        problems = [{"path": str(run.path), "problem": run.problem} for run in damaged]
        print_json({"runs": [_as_json(row) for row in rows], "damaged": problems})
        return
    _print_runs(make_console(), folder, rows, damaged)


def _read_rows(listed: "Sequence[Run]") -> "tuple[list[_Row], list[DamagedRun]]":
    """Read each run's accuracy; a run whose accuracy cannot be read is damaged."""
    from optotype.errors import ModelError, RunError
    from optotype.judging.run_accuracy import run_accuracy
    from optotype.runs.listing import DamagedRun

    rows, damaged = [], []
    for run in listed:
        try:
            rows.append(_Row(run, run.recipe, run_accuracy(run), sum(epoch.seconds for epoch in run.epochs)))
        except (RunError, ModelError) as error:
            damaged.append(DamagedRun(run.path, str(error)))
    return rows, damaged


def _as_json(row: _Row) -> dict[str, object]:
    validation, test = row.accuracy.validation, row.accuracy.test
    return {
        "path": str(row.run.path),
        "name": row.run.name,
        "created": row.run.created,
        "status": row.run.status,
        "data": row.run.data.name,
        "added": row.run.data.added,
        "recipe": row.recipe.name,
        "seed": row.recipe.seed,
        "epochs": len(row.run.epochs),
        "seconds": row.seconds,
        "validation_accuracy": None if validation is None else asdict(validation),
        "test_accuracy": None if test is None else asdict(test),
        "test_openings": row.accuracy.openings,
        "note": row.accuracy.note,
    }


def _print_runs(
    console: "Console", folder: str, rows: Sequence[_Row], damaged: "Sequence[DamagedRun]"
) -> None:
    from optotype.text import printable

    if rows:
        print_wide_table(console, _table(rows), _MIN_WIDTH)
    else:
        print_text(console, f"There are no runs in {printable(folder)} yet.")
    for row in rows:
        if row.accuracy.note:
            print_text(console, f"{printable(row.run.name)}: {row.accuracy.note}")
    if damaged:
        print_text(console, f"{count(len(damaged), 'run')} cannot be read:")
    for run in damaged:
        print_text(console, f"  {printable(run.problem)}")


def _table(rows: Sequence[_Row]) -> "Table":
    from optotype.text import printable

    table = new_table()
    table.add_column("run", overflow="fold", min_width=16)
    table.add_column("data", overflow="fold")
    table.add_column("recipe", overflow="fold")
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for heading in ("validation, 95 % interval", "test, 95 % interval", "time", "openings"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        added = f" +{row.run.data.added:,}" if row.run.data.added else ""
        accuracies = (row.accuracy.validation, row.accuracy.test)
        table.add_row(
            printable(row.run.name),
            f"{printable(row.run.data.name)}{added}",
            row.recipe.name,
            str(row.recipe.seed),
            row.run.status,
            *("-" if accuracy is None else str(accuracy) for accuracy in accuracies),
            f"{row.seconds:,.1f} s",
            f"{row.accuracy.openings:,}",
        )
    return table
