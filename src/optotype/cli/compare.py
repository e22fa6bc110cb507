"""`optotype compare`: models on the same images, each two of them, with verdicts in words and a page of the images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from optotype.cli.terminal import console, print_json, print_wide, prose

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.comparing.comparison import Comparison

_LONGEST: Final = 60
"""Characters of a model's name in the name of a folder."""


def compare(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET TARGET...", help="Run folders or model files, two or more.")
    ],
    on: Annotated[
        Literal["validation", "test"],
        typer.Option(help="The images to compare on; test opens the sealed test set, which is counted."),
    ] = "validation",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for what is written; compare-A-B in the working folder unless given."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Compare models on the same images: which is better, by how much, and whether these images can tell.

    They must have been trained on the same data with the same split. The verdict
    on each two comes from the images that only one of them gets right; with five
    or more seeds of each recipe there is also one about the recipes. The images on
    which models differ are shown in comparison.html.
    """
    from optotype.storage.outputs import check_output_folder

    if out is not None:  # an opening must not be spent on what cannot be kept
        check_output_folder(out)
    screen = console()
    comparison = _compare(screen, targets, on, json=json)
    folder = out or Path(_folder_name([each.name for each in comparison.candidates]))
    page, kept = _write(comparison, folder)
    if json:
        print_json({**comparison.to_json(), "page": str(page), "kept": str(kept)})
        return
    _show(screen, comparison)
    screen.print(f"images       {page}")
    screen.print(f"comparison   {kept}")


def _compare(
    screen: "Console", targets: list[str], on: Literal["validation", "test"], *, json: bool
) -> "Comparison":
    """Compare, saying on a terminal what is being done."""
    from optotype.comparing.compare import compare as compare_targets

    if json or not screen.is_terminal:
        return compare_targets(*targets, on=on)
    with screen.status("") as status:
        return compare_targets(*targets, on=on, report=status.update)


def _folder_name(names: list[str]) -> str:
    """Name a folder for a comparison; only the first two models are named where there are more."""
    from optotype.runs.naming import file_name

    more = f"-and-{len(names) - 2}-more" if len(names) > 2 else ""
    return f"compare-{file_name(names[0], _LONGEST)}-{file_name(names[1], _LONGEST)}{more}"


def _write(comparison: "Comparison", folder: Path) -> tuple[Path, Path]:
    from json import dumps

    from optotype.reporting.comparison import render_comparison
    from optotype.storage.atomic import write_durably
    from optotype.storage.outputs import mark_output

    folder.mkdir(parents=True, exist_ok=True)
    mark_output(folder)
    page, kept = folder / "comparison.html", folder / "comparison.json"
    write_durably(page, render_comparison(comparison).encode())
    write_durably(kept, f"{dumps(comparison.to_json(), indent=1)}\n".encode())
    return page, kept


def _show(screen: "Console", comparison: "Comparison") -> None:
    """Print the models, the notes, and the verdicts."""
    prose(screen, f"{comparison.data}, {comparison.n:,} {comparison.on} images")
    print_wide(screen, _table(comparison))
    for note in comparison.notes:
        prose(screen, note)
    if comparison.opening is not None:
        prose(screen, f"The sealed test images were opened: opening {comparison.opening} of this test set.")
    for verdict in _verdicts(comparison):
        screen.print(verdict, style="bold", soft_wrap=not screen.is_terminal)


def _verdicts(comparison: "Comparison") -> Sequence[str]:
    """Give every verdict; those about models in one sentence where they are too many to be read."""
    from optotype.reporting.comparison import MAX_VERDICTS

    pairs = len(comparison.pairs)
    if pairs <= MAX_VERDICTS:
        return comparison.verdicts
    apart = sum(each.better is not None for each in comparison.pairs)
    models = f"of {pairs} pairs of models {apart} can be told apart: comparison.html has the verdicts"
    return [models, *(each.verdict for each in comparison.recipes)]


def _table(comparison: "Comparison") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("recipe", overflow="fold")
    for heading in ("seed", "accuracy", "95 % interval"):
        table.add_column(heading, justify="right")
    for each in comparison.candidates:
        interval = f"[{each.accuracy.low:.4f}, {each.accuracy.high:.4f}]"
        table.add_row(
            each.key, each.name, each.recipe, str(each.seed), f"{each.accuracy.value:.4f}", interval
        )
    return table
