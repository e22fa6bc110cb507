"""`optotype data`: what a data set holds, as a table and a contact sheet; and with --check, what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from optotype.cli.augmentation import Settings, recipe_with, show_augmented, write_augmented
from optotype.cli.loading import OnBad, Rehash, Size, Source, load_source
from optotype.cli.terminal import console, print_json, prose
from optotype.text import count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.checking.findings import Findings
    from optotype.data.dataset import Dataset
    from optotype.data.overview import Overview

Check = Annotated[
    bool, typer.Option("--check", metavar="", help="Look for trouble: copies, leaks, likely label errors.")
]
Sealed = Annotated[
    bool,
    typer.Option("--sealed", metavar="", help="With --check: leave the test images sealed, find no leaks."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder for what is written; data-NAME in the working folder unless given."
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")]

_LISTED: Final = 20


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
    """Show what a data set holds, and draw samples of each class.

    The samples are training images, in sheet.png. --augment also draws some of
    them as training would see them in nine epochs, in augmented.png. --check
    also writes check.json and check.html; it opens the sealed test images,
    which is counted, unless --sealed is given.
    """
    from optotype.data.overview import overview

    if sealed and not check:
        raise typer.BadParameter("It says what --check may look at: give both.", param_hint="--sealed")
    loaded = load_source(source, size, on_bad, rehash=rehash)
    recipe = recipe_with(loaded, augment) if augment else None
    seen = overview(loaded)
    screen = console()
    if not json:
        _show(screen, seen)
    folder = out or Path(f"data-{loaded.name}")
    sheet = _write_sheet(loaded, folder)
    if not json:
        prose(screen, f"{'samples':<12} {sheet}")
    augmented = write_augmented(screen, loaded, recipe, folder, json=json) if recipe else None
    if augmented and not json:
        show_augmented(screen, augmented)
    findings = _checked(screen, loaded, folder, sealed=sealed, json=json) if check else None
    if json:
        written = {
            "sheet": str(sheet),
            "augmented": augmented.to_json() if augmented else None,
            "check": findings.to_json() if findings else None,
        }
        print_json({**seen.to_json(), **written})
    elif findings is not None:
        _show_findings(screen, findings, folder)


def _show(screen: "Console", seen: "Overview") -> None:
    """Print what a data set holds: a fact a line, then a row for each class."""
    data = seen.data
    height, width, channels = data.shape
    mean, std = (", ".join(f"{value:.4f}" for value in values) for values in (seen.mean, seen.std))
    aside = f"{seen.validation:,} images, set aside by the source" if seen.validation else ""
    facts = {
        "training": f"{seen.train:,} images",
        "validation": aside or "none set aside by the source; a recipe carves its own out of training",
        "test": f"{data.test.n:,} images, sealed",
        "images": f"{height} x {width} pixels, {'grey' if channels == 1 else 'RGB'}",
        "files": _sides(seen),
        "pixels": f"mean {mean}, standard deviation {std}; of 0 to 1, on training",
        "licence": data.licence,
        "citation": data.citation,
        "fingerprint": data.fingerprint,
        "left out": f"{count(len(data.skipped), 'file')} that cannot be used:" if data.skipped else "",
    }
    screen.print(data.name, style="bold")
    for name, fact in facts.items():
        if fact:
            prose(screen, f"{name:<12} {fact}")
    for each in data.skipped[:_LISTED]:
        prose(screen, f"  {each.file} {each.reason}")
    if len(data.skipped) > _LISTED:
        prose(screen, f"  and {len(data.skipped) - _LISTED:,} more, listed by --json")
    screen.print(_class_table(seen))


def _sides(seen: "Overview") -> str:
    """Say how large pictures are in their files, where they are brought to another size."""
    height, width, _ = seen.data.shape
    if seen.sides is None or seen.sides == ([height, height], [width, width]):
        return ""
    low, high = zip(*seen.sides, strict=True)
    return f"{low[0]:,} to {high[0]:,} pixels high and {low[1]:,} to {high[1]:,} wide before they were brought to that"


def _class_table(seen: "Overview") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("class")
    table.add_column("training", justify="right")
    if seen.validation:
        table.add_column("validation", justify="right")
    for each in seen.classes:
        counts = (each.train, each.validation) if seen.validation else (each.train,)
        table.add_row(each.name, *(f"{count:,}" for count in counts))
    return table


def _write_sheet(data: "Dataset", folder: Path) -> Path:
    from optotype.reporting.image_sheet import draw_sheet, rows_of_classes
    from optotype.storage.atomic import write_durably
    from optotype.storage.outputs import mark_output

    folder.mkdir(parents=True, exist_ok=True)
    mark_output(folder)
    sheet = folder / "sheet.png"
    write_durably(sheet, draw_sheet(f"{data.name}: training images", rows_of_classes(data)))
    return sheet


def _checked(screen: "Console", data: "Dataset", folder: Path, *, sealed: bool, json: bool) -> "Findings":
    """Check a data set, saying on a terminal what is being done, and write what was found."""
    from json import dumps

    from optotype.checking.check import check
    from optotype.checking.findings import KINDS
    from optotype.reporting.doctor import render_findings
    from optotype.storage.atomic import write_durably

    if screen.is_terminal and not json:
        with screen.status("") as status:
            findings = check(data, open_test=not sealed, report=status.update)
    else:
        findings = check(data, open_test=not sealed)
    write_durably(folder / "check.json", f"{dumps(findings.to_json(), indent=1)}\n".encode())
    write_durably(folder / "check.html", render_findings(findings, KINDS).encode())
    return findings


def _show_findings(screen: "Console", findings: "Findings", folder: Path) -> None:
    """Print how many there are of each kind with the worst of each, and the verdict."""
    from rich import box
    from rich.table import Table

    from optotype.checking.findings import KINDS

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("found")
    table.add_column("number", justify="right")
    table.add_column("the worst of them", overflow="fold")
    for kind, about in KINDS.items():
        found = findings.of(kind)
        table.add_row(about.title, f"{len(found):,}", found[0].message if found else "-")
    screen.print(table)
    for note in findings.notes:
        prose(screen, note)
    if findings.opening is not None:
        prose(
            screen,
            f"The sealed test images were opened for this: opening {findings.opening} of this test set.",
        )
    for each in findings.rescored_runs[:_LISTED]:
        prose(screen, str(each))
    if findings.rescored_runs:
        prose(
            screen,
            "Most nets do better without what is in doubt, for it is hard: the true accuracy lies between the two.",
        )
    screen.print(findings.verdict, style="bold", soft_wrap=not screen.is_terminal)
    screen.print(f"pictures     {folder / 'check.html'}")
    screen.print(f"findings     {folder / 'check.json'}")
