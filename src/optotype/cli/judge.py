"""`optotype judge`: how good a model is, and how far that can be trusted; on its own test images or on new pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.loading import OnBad, load_source
from optotype.cli.print_judgement import print_judgement
from optotype.cli.terminal import console, print_json, prose

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.data.dataset import Dataset
    from optotype.judging.judgement import Judgement
    from optotype.models.model import Model
    from optotype.runs.run import Run

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="Judge on these labelled pictures instead: all of them, brought to the model's size.",
    ),
]
Robust = Annotated[
    bool,
    typer.Option(
        "--robust", metavar="", help="Also on images that are shifted, rotated, noisy, blurred, paled."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder for a judgement that is not a run's own; judged-MODEL-DATA in the working folder unless given.",
    ),
]
Open = Annotated[bool, typer.Option("--open", metavar="", help="Open the report in the browser.")]


def judge(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A run folder or a model file.")],
    data: Data = None,
    on_bad: OnBad = "stop",
    robust: Robust = False,
    out: Out = None,
    open_: Open = False,
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Judge a finished run or its model on training, validation and test images, or on new pictures.

    This opens the sealed test set. Every opening is counted and shown, for a
    test set that was looked at often says less about images that nobody has
    seen. The report, one page with pictures, and a model card are written
    beside the judgement.
    """
    import webbrowser

    from optotype.judging.judge import write_judgement
    from optotype.runs.origin import find

    subject = find(target)
    pictures = None if data is None else _load(subject, data, on_bad)
    own = _own_folder(subject, pictures)
    if own is not None and out is not None:
        raise typer.BadParameter(f"A run's own judgement is kept in {own}: leave it out.", param_hint="--out")
    folder = own or _other_folder(subject, pictures, out)
    screen = console()
    judgement = judged(screen, subject, data=pictures, robust=robust, quiet=json)
    if own is None:
        write_judgement(judgement, folder)
    page = reported(screen, subject, judgement, folder, quiet=json)
    if json:
        print_json({**judgement.to_json(), "report": str(page)})
    else:
        print_judgement(screen, judgement)
        prose(screen, f"judgement    {folder / 'judgement.json'}")
        prose(screen, f"report       {page}")
    if open_:
        webbrowser.open(page.resolve().as_uri())


def judged(
    screen: "Console",
    subject: "Run | Model",
    *,
    data: "Dataset | None" = None,
    robust: bool = False,
    quiet: bool = False,
) -> "Judgement":
    """Judge, saying on a terminal what is being done unless it is to be quiet."""
    from optotype.judging.judge import judge as judge_subject

    if quiet or not screen.is_terminal:
        return judge_subject(subject, data=data, robust=robust)
    with screen.status("") as status:
        return judge_subject(subject, data=data, robust=robust, report=status.update)


def reported(
    screen: "Console", subject: "Run | Model", judgement: "Judgement", folder: Path, *, quiet: bool
) -> Path:
    """Write the report and the model card into a folder, saying so on a terminal meanwhile unless it is to be quiet."""
    from optotype.reporting import write_report
    from optotype.runs.run import Run

    run = subject if isinstance(subject, Run) else None
    model = subject.model if isinstance(subject, Run) else subject
    if quiet or not screen.is_terminal:
        return write_report(judgement, model, folder, run)
    with screen.status("writing the report"):
        return write_report(judgement, model, folder, run)


def _own_folder(subject: "Run | Model", pictures: "Dataset | None") -> Path | None:
    """Give the run's folder where the judgement is the run's own; None where it is not."""
    from optotype.runs.run import Run

    if not isinstance(subject, Run) or not (
        pictures is None or pictures.fingerprint == subject.data.fingerprint
    ):
        return None
    return subject.path


def _other_folder(subject: "Run | Model", pictures: "Dataset | None", out: Path | None) -> Path:
    """Say where another judgement goes; what cannot be written must not cost an opening of the test set."""
    from optotype.runs.naming import plain
    from optotype.runs.origin import origin_of
    from optotype.runs.run import Run
    from optotype.storage.outputs import check_output_folder

    if isinstance(subject, Run):
        name, record = subject.name, subject.data
    else:
        origin = origin_of(subject)
        name, record = origin.name, origin.data
    folder = out or Path(f"judged-{plain(name)}-{plain((pictures or record).name)}")
    check_output_folder(folder)
    return folder


def _load(subject: "Run | Model", source: str, on_bad: OnBad) -> "Dataset":
    """Load pictures in the size that the model takes."""
    from optotype.data.load import SIZES, is_resizable
    from optotype.runs.run import Run

    if isinstance(subject, Run):
        subject.require_finished()
        subject = subject.model
    height, width, _ = subject.input_shape
    size = height if height == width and height in SIZES and is_resizable(source) else None
    return load_source(source, size, on_bad, rehash=False)
