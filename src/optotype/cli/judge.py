"""`optotype judge`: evaluate a model on its own test images or on new images, with intervals and diagnoses."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.loading import load_source
from optotype.cli.options import Json, OnBad, Target
from optotype.cli.print_judgement import print_judgement
from optotype.cli.terminal import make_console, print_fact, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.data.dataset import Dataset
    from optotype.judging.judgement import Judgement
    from optotype.runs.run import Run
    from optotype.runs.targets import Target as OpenedTarget

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="Judge on all images of this labelled data set instead, resized to the model's input.",
    ),
]
Robust = Annotated[
    bool,
    typer.Option(
        "--robust",
        metavar="",
        help="Also judge on shifted, rotated, noisy and blurred images and on images with lower contrast.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The output folder for model files and for --data. Default: judged-MODEL-DATA in the current folder.",
    ),
]
Open = Annotated[bool, typer.Option("--open", metavar="", help="Open the report in the browser.")]


def judge(
    target: Target,
    data: Data = None,
    on_bad: OnBad = "stop",
    robust: Robust = False,
    out: Out = None,
    open_: Open = False,
    json: Json = False,
) -> None:
    """Judge a model on its training, validation and test images, or on new images.

    This opens the sealed test set. Every opening is counted and shown, because
    a test set that is used often says less about unseen images. The report (one
    page with images) and a model card are written next to the judgement.
    """
    import webbrowser

    from optotype.judging.judge import write_judgement
    from optotype.runs.targets import open_target

    subject = open_target(target)
    new_data = None if data is None else _load(subject, data, on_bad)
    run_folder = _run_folder(subject, new_data)
    if run_folder is not None and out is not None:
        raise typer.BadParameter(
            f"A run's judgement on its own data is saved in {run_folder}. Leave out --out.",
            param_hint="--out",
        )
    folder = run_folder or _output_folder(subject, new_data, out)
    console = make_console()
    judgement = judge_with_status(console, subject, data=new_data, robust=robust, quiet=json)
    if run_folder is None:
        write_judgement(judgement, folder)
    report = report_with_status(console, subject, judgement, folder, quiet=json)
    if json:
        print_json({**judgement.to_json(), "report": str(report)})
    else:
        print_judgement(console, judgement)
        print_fact(console, "judgement", folder / "judgement.json")
        print_fact(console, "report", report)
    if open_:
        webbrowser.open(report.resolve().as_uri())


def judge_with_status(
    console: "Console",
    subject: "OpenedTarget | Run",
    *,
    data: "Dataset | None" = None,
    robust: bool = False,
    quiet: bool = False,
) -> "Judgement":
    """Judge a run or model, with a status line on a terminal unless quiet."""
    from optotype.judging.judge import judge as judge_subject

    if quiet or not console.is_terminal:
        return judge_subject(subject, data=data, robust=robust)
    with console.status("") as status:
        return judge_subject(subject, data=data, robust=robust, report=status.update)


def report_with_status(
    console: "Console", subject: "OpenedTarget | Run", judgement: "Judgement", folder: Path, *, quiet: bool
) -> Path:
    """Write the report and the model card into a folder, with a status line on a terminal unless quiet."""
    from optotype.reporting import write_report
    from optotype.runs.targets import open_target

    target = open_target(subject)
    if quiet or not console.is_terminal:
        return write_report(judgement, target.model, folder, target.run)
    with console.status("writing the report"):
        return write_report(judgement, target.model, folder, target.run)


def _run_folder(subject: "OpenedTarget", new_data: "Dataset | None") -> Path | None:
    """Return the run's folder if a run is judged on its own data, else None."""
    run = subject.run
    if run is None:
        return None
    is_own_data = new_data is None or new_data.fingerprint == run.data.fingerprint
    return run.path if is_own_data else None


def _output_folder(subject: "OpenedTarget", new_data: "Dataset | None", out: Path | None) -> Path:
    """Return the folder of any other judgement.

    It is checked before the test set is opened: no opening may be spent on a result that cannot be saved.
    """
    from optotype.runs.naming import file_name
    from optotype.runs.origin import read_origin
    from optotype.storage.outputs import check_output_folder

    if subject.run is not None:
        name, record = subject.run.name, subject.run.data
    else:
        origin = read_origin(subject.model)
        name, record = origin.name, origin.data
    folder = out or Path(f"judged-{file_name(name)}-{file_name((new_data or record).name)}")
    check_output_folder(folder)
    return folder


def _load(subject: "OpenedTarget", source: str, on_bad: OnBad) -> "Dataset":
    """Load a data set in the model's input size."""
    from optotype.data.load import SIZES, is_resizable

    if subject.run is not None:
        subject.run.require_finished()
    height, width, _ = subject.model.input_shape
    size = height if height == width and height in SIZES and is_resizable(source) else None
    return load_source(source, size, on_bad, rehash=False)
