"""`optotype predict`: classify any number of images with a model."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optotype.cli.input_sheet import InputSheet
from optotype.cli.loading import progress_bar
from optotype.cli.options import Json, Target
from optotype.cli.prediction_writers import Write, csv_writer, json_writer, parquet_writer, text_writer
from optotype.cli.terminal import make_console
from optotype.errors import DataError, ModelError
from optotype.progress import ProgressCallback

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.data.dataset import Skipped
    from optotype.data.pictures.decode import Fit
    from optotype.data.pictures.location import FileLocation
    from optotype.models.model import Model

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE",
        help="Image files, folders (all images in them and below), patterns like 'in/*.png', or - for an image on"
        " standard input.",
    ),
]
Top = Annotated[int, typer.Option(metavar="N", min=1, help="Number of most probable classes to show.")]
Coverage = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of images whose label set must contain the true class, between 0 and 1. Default: 0.99.",
    ),
]
FitDigit = Annotated[
    bool,
    typer.Option(
        "--fit-digit",
        metavar="",
        help="Convert each drawn or photographed digit to MNIST's format: bright on black, 20 pixels large, centred.",
    ),
]
Show = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Draw the model's input images into this file.")
]
Precision = Annotated[
    Literal["fp32", "bf16"],
    typer.Option(help="Number format of the operands of matrix products. bf16 requires AMX."),
]
Csv = Annotated[bool, typer.Option("--csv", metavar="", help="Print CSV with one row per image.")]
Parquet = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a Parquet file. Requires PyArrow (the extra 'parquet')."),
]


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
    """Predict the class of each image, with probabilities and label sets.

    A line also says if an image has more than one possible class (its label
    set) and if it is unlike the training images (novel). Unreadable images are
    listed on standard error (with --json under "bad"); all others are
    predicted, and the exit code is 1.
    """
    from optotype.data.pictures.chunks import in_chunks
    from optotype.runs.targets import open_target

    _check_outputs(show, parquet, formats=json + csv + bool(parquet))
    model = _model(open_target(target).model)
    coverage = _coverage(model, coverage)
    fit = _fit(model, digit=fit_digit)
    console, sheet = make_console(stderr=True), InputSheet(show)
    with _list_inputs(images) as (files, bad):
        total = len(files) + len(bad)
        writer = _writer(files, bad, min(top, len(model.class_names)), json=json, csv=csv, parquet=parquet)
        with writer as write, _progress(console, len(files), prints_lines=not (json or parquet)) as report:
            _print_bad(console, () if json else bad)
            for chunk in in_chunks(files, model.input_shape, fit):
                predictions = model.predict(chunk.images, precision=precision, coverage=coverage)
                write(chunk.files, predictions)
                sheet.add(chunk, predictions)
                bad.extend(chunk.skipped)
                _print_bad(console, () if json else chunk.skipped)
                report("predicting", chunk.done, len(files))
    sheet.save()
    if bad:
        if json:
            raise typer.Exit(1)
        raise _bad_images_error(len(bad), total)


def _bad_images_error(n: int, total: int) -> DataError:
    return DataError(
        f"{n:,} of {total:,} images cannot be used; the reasons are listed above. Expected intact PNG, JPEG, WebP, BMP,"
        " GIF or TIFF files. Check the paths, open and save the files again with an image editor, or leave them out."
    )


def _check_outputs(*paths: Path | None, formats: int) -> None:
    """Check, before any work is done, that at most one format is chosen and that the files' folders exist."""
    if formats > 1:
        raise typer.BadParameter("Choose only one of them.", param_hint="--json, --csv, --parquet")
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise DataError(
                f"Cannot write {path}: {path.parent} is not a folder. Create it, or choose another path."
            )


def _model(model: "Model") -> "Model":
    """Return the model after a note on standard error if its training did not finish."""
    status = model.provenance.status
    if status not in (None, "finished"):
        make_console(stderr=True).print(
            f"Note: the training of this model has the status {status!r}, not 'finished'."
        )
    return model


def _coverage(model: "Model", requested: float | None) -> float:
    """Return the coverage of label sets; check that the model can give label sets if one is requested."""
    from optotype.models.calibration import COVERAGE

    if requested is None:
        return COVERAGE
    if not 0 < requested < 1:
        raise typer.BadParameter(f"{requested} is not between 0 and 1.", param_hint="--coverage")
    if model.calibration is None:
        raise ModelError(
            "The model has no calibration, which --coverage requires. Train it with at least 50 validation images,"
            " or leave out --coverage."
        )
    return requested


def _fit(model: "Model", *, digit: bool) -> "Fit":
    """Return how images are brought to the model's input shape."""
    from optotype.data.pictures.digits import SHAPE

    if not digit:
        return "stretch"
    if model.input_shape != SHAPE:
        height, width, channels = model.input_shape
        raise ModelError(
            f"The model takes images of {height} x {width} x {channels}, expected 28 x 28 x 1 for --fit-digit. Leave"
            " out --fit-digit, or use a model that was trained on MNIST's digits."
        )
    return "digit"


@contextmanager
def _list_inputs(inputs: Sequence[str]) -> "Iterator[tuple[list[FileLocation], list[Skipped]]]":
    """List the image files; an image on standard input is a temporary file while the block runs."""
    from tempfile import TemporaryDirectory

    from optotype.data.pictures.image_file import MAX_BYTES
    from optotype.data.sources.inputs import resolve_inputs

    if "-" not in inputs:
        yield resolve_inputs(inputs)
        return
    with TemporaryDirectory(prefix="optotype-") as folder:
        received = Path(folder, "picture")
        received.write_bytes(sys.stdin.buffer.read(MAX_BYTES + 1))
        files, bad = resolve_inputs(str(received) if name == "-" else name for name in inputs)
        yield [file._replace(file="-") if file.path == str(received) else file for file in files], bad


def _writer(
    files: "Sequence[FileLocation]",
    bad: "list[Skipped]",
    top: int,
    *,
    json: bool,
    csv: bool,
    parquet: Path | None,
) -> AbstractContextManager[Write]:
    """Return the writer of the chosen format."""
    if json:
        return json_writer(top, bad)
    if csv:
        return csv_writer(top)
    if parquet:
        return parquet_writer(parquet, top)
    return text_writer(top, files)


def _progress(
    console: "Console", images: int, *, prints_lines: bool
) -> AbstractContextManager[ProgressCallback]:
    """Return a progress bar, unless lines on the terminal show the progress already."""
    if images < 2 or (prints_lines and sys.stdout.isatty()):
        return nullcontext(lambda *_: None)
    return progress_bar(console)


def _print_bad(console: "Console", bad: "Sequence[Skipped]") -> None:
    from optotype.text import printable

    for skipped in bad:
        console.print(f"{printable(skipped.file)} {printable(skipped.reason)}")
