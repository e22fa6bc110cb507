"""`optotype predict`: what a model sees in pictures, however many."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from optotype.cli.image_sheet import Seen
from optotype.cli.loading import Report, loading
from optotype.cli.terminal import console
from optotype.cli.write_predictions import Write, as_csv, as_json, as_parquet, as_text
from optotype.errors import DataError, ModelError

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.data.dataset import Skipped
    from optotype.data.pictures.decode import Fit
    from optotype.data.pictures.location import FileLocation
    from optotype.models.model import Model

Target = Annotated[str, typer.Argument(metavar="TARGET", help="A run folder or a model file.")]
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE...",
        help="Pictures, folders with all pictures in them, patterns such as 'in/*.png', or - for a picture on the"
        " standard input.",
    ),
]
Top = Annotated[int, typer.Option(metavar="N", min=1, help="How many of the likeliest classes to show.")]
Coverage = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="How often the classes that it may be are to hold the truth; 0.99 unless given."
    ),
]
FitDigit = Annotated[
    bool,
    typer.Option(
        "--fit-digit",
        metavar="",
        help="Give each drawn or photographed digit MNIST's treatment: bright on black, 20 pixels large, centred.",
    ),
]
Show = Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the images as the model saw them.")]
Precision = Annotated[
    Literal["fp32", "bf16"], typer.Option(help="Of the operands of products; bf16 needs AMX.")
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")]
Csv = Annotated[bool, typer.Option("--csv", metavar="", help="Print CSV, a row for each picture.")]
Parquet = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a Parquet file; needs the extra 'parquet'.")
]

_DIGIT: Final = (28, 28, 1)


def predict(
    target: Target,
    images: Images,
    top: Top = 3,
    coverage: Coverage = None,
    fit_digit: FitDigit = False,
    show: Show = None,
    precision: Precision = "fp32",
    json: Json = False,
    csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Name the likeliest classes of each picture, with their probabilities.

    Says too where a picture may be of several classes, and where it is unlike
    the training images. Pictures that cannot be used are listed on the standard
    error (or under "bad", with --json), the others are predicted, and the exit
    code is 1.
    """
    from optotype.data.pictures.chunks import in_chunks
    from optotype.runs.targets import open_target

    _check_output(show, parquet, programs=json + csv + bool(parquet))
    model = _model(open_target(target).model)
    coverage = _coverage(model, coverage)
    fit = _fit(model, digit=fit_digit)
    screen, seen = console(stderr=True), Seen(show)
    with _asked(images) as (found, bad):
        asked = len(found) + len(bad)
        write_to = _output(found, bad, min(top, len(model.class_names)), json=json, csv=csv, parquet=parquet)
        with write_to as write, _progress(screen, len(found), lines=not (json or parquet)) as tell:
            _list(screen, () if json else bad)
            for chunk in in_chunks(found, model.input_shape, fit):
                predictions = model.predict(chunk.images, precision=precision, coverage=coverage)
                write(chunk.files, predictions)
                seen.take(chunk, predictions)
                bad.extend(chunk.skipped)
                _list(screen, () if json else chunk.skipped)
                tell("predicting", chunk.done, len(found))
    seen.draw()
    if bad:
        if json:
            raise typer.Exit(1)
        raise DataError(
            f"{len(bad):,} of {asked:,} pictures cannot be used, listed above; expected sound PNG, JPEG, WebP, BMP, GIF"
            " or TIFF files. Check their paths, open and save them again with an image program, or leave them out."
        )


def _check_output(*paths: Path | None, programs: int) -> None:
    """Refuse, before any work is done, two outputs for programs, or a file where there is no folder for it."""
    if programs > 1:
        raise typer.BadParameter("Give one of them.", param_hint="--json, --csv, --parquet")
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise DataError(
                f"{path} cannot be written: {path.parent} is not a folder. Make it, or name another."
            )


def _model(model: "Model") -> "Model":
    """Take the model of a run; one whose training did not end well is used all the same, but said to be so."""
    status = model.provenance.status
    if status not in (None, "finished"):
        console(stderr=True).print(f"Note: the training of this model is marked {status!r}, not 'finished'.")
    return model


def _coverage(model: "Model", wanted: float | None) -> float:
    """Give the coverage of label sets, or say why a model has none."""
    from optotype.models.calibration import COVERAGE

    if wanted is None:
        return COVERAGE
    if not 0 < wanted < 1:
        raise typer.BadParameter(f"{wanted} is not between 0 and 1.", param_hint="--coverage")
    if model.calibration is None:
        raise ModelError(
            "The model has no calibration to tell by which classes a picture may be of, expected one for --coverage."
            " Train it with at least 50 validation images."
        )
    return wanted


def _fit(model: "Model", *, digit: bool) -> "Fit":
    """Say how pictures are brought to the model's shape."""
    if not digit:
        return "stretch"
    if model.input_shape != _DIGIT:
        height, width, channels = model.input_shape
        raise ModelError(
            f"The model takes images of {height} x {width} x {channels}, expected 28 x 28 x 1 for --fit-digit. Leave it"
            " out, or use a model of MNIST's digits."
        )
    return "digit"


@contextmanager
def _asked(places: Sequence[str]) -> "Iterator[tuple[list[FileLocation], list[Skipped]]]":
    """List what is asked for; a picture on the standard input lies in a file as long as the block runs."""
    from tempfile import TemporaryDirectory

    from optotype.data.pictures.image_file import MAX_BYTES
    from optotype.data.sources.inputs import resolve_inputs

    if "-" not in places:
        yield resolve_inputs(places)
        return
    with TemporaryDirectory(prefix="optotype-") as folder:
        received = Path(folder, "picture")
        received.write_bytes(sys.stdin.buffer.read(MAX_BYTES + 1))
        found, bad = resolve_inputs(str(received) if place == "-" else place for place in places)
        yield [each._replace(file="-") if each.path == str(received) else each for each in found], bad


def _output(
    found: "Sequence[FileLocation]",
    bad: "list[Skipped]",
    top: int,
    *,
    json: bool,
    csv: bool,
    parquet: Path | None,
) -> AbstractContextManager[Write]:
    """Choose where predictions go."""
    if json:
        return as_json(top, bad)
    if csv:
        return as_csv(top)
    if parquet:
        return as_parquet(parquet, top)
    return as_text(top, found)


def _progress(screen: "Console", pictures: int, *, lines: bool) -> AbstractContextManager[Report]:
    """Show how far it is, unless the lines on the terminal do."""
    if pictures < 2 or (lines and sys.stdout.isatty()):
        return nullcontext(lambda *_: None)
    return loading(screen)


def _list(screen: "Console", bad: "Sequence[Skipped]") -> None:
    from optotype.text import printable

    for each in bad:
        screen.print(f"{printable(each.file)} {printable(each.reason)}")
