"""`optotype export`: a model as a file for other software."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optotype.cli.terminal import console, print_json, prose

if TYPE_CHECKING:
    from optotype.exporting.verification import Verification


def export(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A run folder or a model file.")],
    format: Annotated[  # noqa: A002 - the word of the command line
        Literal["onnx", "keras", "npz", "c"],
        typer.Option(help="Which software the file is for."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The file; unless given, named after TARGET, in the working folder."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Write a model as a file for other software.

    The file is verified before it is kept: on every validation image, where
    the data are still there, it must say what the model says.
    """
    from optotype.exporting.export import export as export_target
    from optotype.exporting.formats import FORMATS

    results: list[Verification] = []
    path = export_target(target, format, out, report=results.append)
    files = [path.with_suffix(suffix) for suffix in FORMATS[format].suffixes]
    if json:
        print_json(_as_json(format, files, results[0]))
        return
    screen = console()
    for file in files:
        prose(screen, f"{format:<9} {file}  {file.stat().st_size:,} bytes")
    prose(screen, f"verified  {_sentence(results[0], FORMATS[format].software)}")


def _sentence(verification: "Verification", software: str) -> str:
    said = (
        f"on {verification.n:,} {verification.images} by {software}: the model's labels; probabilities differ by at"
        f" most {verification.difference:.1e}"
    )
    return f"{said}. {verification.reason}" if verification.reason else said


def _as_json(name: str, files: list[Path], verification: "Verification") -> dict[str, object]:
    return {
        "format": name,
        "files": [{"path": str(file), "bytes": file.stat().st_size} for file in files],
        "verification": {
            "images": verification.images,
            "n": verification.n,
            "difference": verification.difference,
            "reason": verification.reason,
        },
    }
