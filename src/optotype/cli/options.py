"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Target = Annotated[str, typer.Argument(metavar="TARGET", help="A run folder or a model file.")]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A data set: a name like 'mnist', or the path of a folder of class folders, an archive or a table.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Resize images to N x N pixels, 8 to 128. By default, small images that all have the same size keep it;"
        " others become 64 x 64.",
    ),
]
OnBad = Annotated[
    Literal["stop", "skip"],
    typer.Option(help="What to do with unreadable image files: list them and stop, or skip them."),
]
Rehash = Annotated[
    bool,
    typer.Option(
        "--rehash",
        metavar="",
        help="Detect changed image files by their content instead of size and modification time.",
    ),
]
Add = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="A folder of class folders with additional training images, for example from 'optotype serve --collect'."
        " They are never used for validation or test.",
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object and nothing else.")]
