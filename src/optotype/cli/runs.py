"""`optotype runs`: the runs in a folder as a table, with what is known of each."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import typer

from optotype.cli.terminal import console, print_json, print_wide, prose
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.judging.run_accuracy import RunAccuracy
    from optotype.recipes.recipe import Recipe
    from optotype.runs.listing import DamagedRun
    from optotype.runs.run import Run

Order = Literal["created", "accuracy", "data", "recipe", "seed", "status", "time"]


class _Row(NamedTuple):
    run: "Run"
    recipe: "Recipe"
    standing: "RunAccuracy"
    seconds: float


# There is no order by test accuracy: whoever takes the first of such a list has chosen by the test images.
_ORDERS: Final[dict[Order, Callable[[_Row], Any]]] = {
    "created": lambda _: 0,  # as they are listed
    "accuracy": lambda row: -1 if row.standing.validation is None else -1 - row.standing.validation.value,
    "data": lambda row: row.run.data.name,
    "recipe": lambda row: (row.recipe.name, row.recipe.seed),
    "seed": lambda row: row.recipe.seed,
    "status": lambda row: row.run.status,
    "time": lambda row: -row.seconds,
}


def runs(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder that holds the runs.")] = "runs",
    sort: Annotated[
        Order,
        typer.Option(help="The newest, the most accurate on validation or the longest first; or by name."),
    ] = "created",
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """List runs: data, recipe, seed, status, accuracy, time, openings of their test set.

    Nothing is opened for it: a run has a test accuracy once it was judged.
    """
    from optotype.runs.listing import list_runs

    listing = list_runs(folder)
    rows, damaged = _rows(listing.runs)
    rows.sort(key=_ORDERS[sort])
    damaged = sorted([*listing.damaged, *damaged])
    if json:
        broken = [{"path": str(each.path), "problem": each.problem} for each in damaged]
        print_json({"runs": [_as_json(row) for row in rows], "damaged": broken})
        return
    _show(console(), folder, rows, damaged)


def _rows(found: "Sequence[Run]") -> "tuple[list[_Row], list[DamagedRun]]":
    """Ask each run how it stands; a run that cannot tell is damaged."""
    from optotype.errors import ModelError, RunError
    from optotype.judging.run_accuracy import run_accuracy
    from optotype.runs.listing import DamagedRun

    rows, damaged = [], []
    for run in found:
        try:
            rows.append(_Row(run, run.recipe, run_accuracy(run), sum(epoch.seconds for epoch in run.epochs)))
        except (RunError, ModelError) as error:
            damaged.append(DamagedRun(run.path, str(error)))
    return rows, damaged


def _as_json(row: _Row) -> dict[str, object]:
    validation, test = row.standing.validation, row.standing.test
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
        "test_openings": row.standing.openings,
        "note": row.standing.note,
    }


def _show(screen: "Console", folder: str, rows: Sequence[_Row], damaged: "Sequence[DamagedRun]") -> None:
    from optotype.text import printable

    if rows:
        print_wide(screen, _table(rows), least=130)
    else:
        prose(screen, f"There is no run in {printable(folder)} yet.")
    for row in rows:
        if row.standing.note:
            prose(screen, f"{printable(row.run.name)}: {row.standing.note}")
    if damaged:
        prose(screen, f"{count(len(damaged), 'run')} cannot be read:")
    for each in damaged:
        prose(screen, f"  {printable(each.problem)}")


def _table(rows: Sequence[_Row]) -> "Table":
    from rich import box
    from rich.table import Table

    from optotype.text import printable

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold", min_width=16)
    table.add_column("data", overflow="fold")
    table.add_column("recipe", overflow="fold")
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for heading in ("validation, 95 % interval", "test, 95 % interval", "time", "opened"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            printable(row.run.name),
            printable(row.run.data.name) + (f" +{row.run.data.added:,}" if row.run.data.added else ""),
            row.recipe.name,
            str(row.recipe.seed),
            row.run.status,
            *("-" if each is None else str(each) for each in (row.standing.validation, row.standing.test)),
            f"{row.seconds:,.1f} s",
            f"{row.standing.openings:,}",
        )
    return table
