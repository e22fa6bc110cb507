"""`optotype export`: write a model as a file for other software."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.options import Json, Target
from optotype.cli.terminal import make_console, print_json, print_text
from optotype.exporting.formats import FORMATS

if TYPE_CHECKING:
    from optotype.exporting.verification import Verification


def _check_format(name: str) -> str:
    if name not in FORMATS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, FORMATS))}.")
    return name


Format = Annotated[
    str,
    typer.Option(metavar=f"<{'|'.join(FORMATS)}>", callback=_check_format, help="The format of the file."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The file to write. Default: the name of TARGET in the current folder."
    ),
]


def export(
    target: Target,
    format: Format,  # noqa: A002 - the word of the command line
    out: Out = None,
    json: Json = False,
) -> None:
    """Write a model as a file for other software, and verify the file.

    The file is only saved if it gives the model's predictions on every
    validation image. If the data cannot be loaded, images from the model file
    are used instead.
    """
    from optotype.exporting.export import export as export_target
    from optotype.exporting.formats import find_format

    results: list[Verification] = []
    path = export_target(target, format, out, report=results.append)
    chosen = find_format(format)
    files = [path.with_suffix(suffix) for suffix in chosen.suffixes]
    if json:
        print_json(_as_json(format, files, results[0]))
        return
    console = make_console()
    for file in files:
        print_text(console, f"{format:<9} {file}  {file.stat().st_size:,} bytes")
    print_text(console, f"verified  {_describe(results[0], chosen.software)}")


def _describe(verification: "Verification", software: str) -> str:
    text = (
        f"on {verification.n:,} {verification.images} with {software}: same labels as the model; probabilities differ"
        f" by at most {verification.max_difference:.1e}"
    )
    return f"{text}. {verification.reason}" if verification.reason else text


def _as_json(name: str, files: list[Path], verification: "Verification") -> dict[str, object]:
    return {
        "format": name,
        "files": [{"path": str(file), "bytes": file.stat().st_size} for file in files],
        "verification": {
            "images": verification.images,
            "n": verification.n,
            "max_difference": verification.max_difference,
            "reason": verification.reason,
        },
    }
