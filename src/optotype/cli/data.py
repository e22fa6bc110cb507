"""`optotype data`: the contents of a data set as a table and a sheet of images; with --check, its faults."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from optotype.cli.augmentation_preview import Settings, print_preview, recipe_with_augment, write_preview
from optotype.cli.loading import load_source
from optotype.cli.options import Json, OnBad, Rehash, Size, Source
from optotype.cli.terminal import make_console, new_table, print_fact, print_json, print_text
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.checking.findings import Findings
    from optotype.data.dataset import Dataset
    from optotype.data.overview import Overview

Check = Annotated[
    bool,
    typer.Option("--check", metavar="", help="Find duplicates, leaks, outliers and likely label errors."),
]
Sealed = Annotated[
    bool,
    typer.Option(
        "--sealed", metavar="", help="With --check: leave the test set sealed and skip leaks to it."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The output folder. Default: data-NAME in the current folder."),
]

_MAX_LISTED: Final = 20


def data(
    source: Source,
    check: Check = False,
    sealed: Sealed = False,
    augment: Settings = None,
    out: Out = None,
    size: Size = None,
    on_bad: OnBad = "stop",
    rehash: Rehash = False,
    json: Json = False,
) -> None:
    """Show the contents of a data set, and check it for faults.

    Writes training images of each class to sheet.png. --augment also writes
    some of them as a training sees them in nine epochs, to augmented.png.
    --check also writes check.json and check.html; it opens the sealed test set,
    which is counted. --sealed leaves the test set sealed.
    """
    from optotype.data.overview import overview

    if sealed and not check:
        raise typer.BadParameter("--sealed only applies to --check. Add --check.", param_hint="--sealed")
    dataset = load_source(source, size, on_bad, rehash=rehash)
    recipe = recipe_with_augment(dataset, augment) if augment else None
    contents = overview(dataset)
    console = make_console()
    if not json:
        _print_overview(console, contents)
    folder = out or Path(f"data-{dataset.name}")
    sheet = _write_sheet(dataset, folder)
    if not json:
        print_fact(console, "samples", sheet)
    preview = write_preview(console, dataset, recipe, folder, json=json) if recipe else None
    if preview and not json:
        print_preview(console, preview)
    findings = _check(console, dataset, folder, sealed=sealed, json=json) if check else None
    if json:
        written = {
            "sheet": str(sheet),
            "augmented": preview.to_json() if preview else None,
            "check": findings.to_json() if findings else None,
        }
        print_json({**contents.to_json(), **written})
    elif findings is not None:
        _print_findings(console, findings, folder)


def _print_overview(console: "Console", contents: "Overview") -> None:
    """Print the contents of a data set: one fact per line, then one row per class."""
    dataset = contents.data
    height, width, channels = dataset.shape
    mean, std = (", ".join(f"{value:.4f}" for value in values) for values in (contents.mean, contents.std))
    validation = f"{contents.validation:,} images, defined by the source" if contents.validation else ""
    facts = {
        "training": f"{contents.train:,} images",
        "validation": validation or "not defined by the source; each recipe sets some training images aside",
        "test": f"{dataset.test.n:,} images, sealed",
        "images": f"{height} x {width} pixels, {'grey' if channels == 1 else 'RGB'}",
        "files": _original_sizes(contents),
        "pixels": f"mean {mean}, standard deviation {std} (training images, scaled to 0..1)",
        "licence": dataset.licence,
        "citation": dataset.citation,
        "fingerprint": dataset.fingerprint,
        "skipped": f"{count(len(dataset.skipped), 'unreadable file')}:" if dataset.skipped else "",
    }
    print_text(console, dataset.name, bold=True)
    for name, fact in facts.items():
        if fact:
            print_fact(console, name, fact)
    for skipped in dataset.skipped[:_MAX_LISTED]:
        print_text(console, f"  {skipped.file} {skipped.reason}")
    if len(dataset.skipped) > _MAX_LISTED:
        print_text(console, f"  and {len(dataset.skipped) - _MAX_LISTED:,} more; --json lists all")
    console.print(_class_table(contents))


def _original_sizes(contents: "Overview") -> str:
    """Describe the sizes of the image files; empty if no image was resized."""
    height, width, _ = contents.data.shape
    if contents.sides is None or contents.sides == ([height, height], [width, width]):
        return ""
    (min_height, max_height), (min_width, max_width) = contents.sides
    return (
        f"{min_height:,} to {max_height:,} pixels high, {min_width:,} to {max_width:,} pixels wide; resized"
    )


def _class_table(contents: "Overview") -> "Table":
    table = new_table()
    table.add_column("class")
    table.add_column("training", justify="right")
    if contents.validation:
        table.add_column("validation", justify="right")
    for row in contents.classes:
        counts = (row.train, row.validation) if contents.validation else (row.train,)
        table.add_row(row.name, *(f"{n:,}" for n in counts))
    return table


def _write_sheet(dataset: "Dataset", folder: Path) -> Path:
    from optotype.reporting.image_sheet import draw_sheet, rows_of_classes
    from optotype.storage.atomic import write_durably
    from optotype.storage.outputs import mark_output

    folder.mkdir(parents=True, exist_ok=True)
    mark_output(folder)
    sheet = folder / "sheet.png"
    write_durably(sheet, draw_sheet(f"{dataset.name}: training images", rows_of_classes(dataset)))
    return sheet


def _check(console: "Console", dataset: "Dataset", folder: Path, *, sealed: bool, json: bool) -> "Findings":
    """Check a data set, with a status line on a terminal, and write the findings."""
    from json import dumps

    from optotype.checking.check import check
    from optotype.checking.findings import KINDS
    from optotype.reporting.doctor import render_findings
    from optotype.storage.atomic import write_durably

    if console.is_terminal and not json:
        with console.status("") as status:
            findings = check(dataset, open_test=not sealed, report=status.update)
    else:
        findings = check(dataset, open_test=not sealed)
    write_durably(folder / "check.json", f"{dumps(findings.to_json(), indent=1)}\n".encode())
    write_durably(folder / "check.html", render_findings(findings, KINDS).encode())
    return findings


def _print_findings(console: "Console", findings: "Findings", folder: Path) -> None:
    """Print the number and the worst finding of each kind, and the verdict."""
    from optotype.checking.findings import KINDS

    table = new_table()
    table.add_column("finding")
    table.add_column("number", justify="right")
    table.add_column("worst", overflow="fold")
    for kind, about in KINDS.items():
        of_kind = findings.of(kind)
        table.add_row(about.title, f"{len(of_kind):,}", of_kind[0].message if of_kind else "-")
    console.print(table)
    for note in findings.notes:
        print_text(console, note)
    if findings.opening is not None:
        print_text(console, f"The sealed test set was opened: opening {findings.opening} of this test set.")
    for run in findings.rescored_runs[:_MAX_LISTED]:
        print_text(console, str(run))
    if findings.rescored_runs:
        # Hard images are often suspected, so removing them raises the score of nearly every network.
        print_text(
            console,
            "Most networks score higher without the suspicious images, because these are hard. The true accuracy lies"
            " between the two values.",
        )
    print_text(console, findings.verdict, bold=True)
    print_fact(console, "report", folder / "check.html")
    print_fact(console, "findings", folder / "check.json")
