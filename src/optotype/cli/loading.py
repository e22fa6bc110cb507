"""How verbs are told what to load, and what they show meanwhile: nothing for two seconds, then a bar.

On a pipe the bar is one line.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from optotype.cli.terminal import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from optotype.data.dataset import Dataset

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A data set: a name such as 'mnist', or a path: a folder of class folders, an archive, a table.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Bring pictures to N x N pixels, 8 to 128; unless given, small pictures of one size keep it, and others"
        " become 64 x 64.",
    ),
]
OnBad = Annotated[
    Literal["stop", "skip"],
    typer.Option(help="What to do about pictures that cannot be used: stop and list them, or skip them."),
]
Rehash = Annotated[
    bool,
    typer.Option(
        "--rehash",
        metavar="",
        help="Compare pictures with the decoded ones by content, not by size and time.",
    ),
]

Add = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Also train on the pictures of a folder of class folders, such as 'serve --collect' fills; they never"
        " validate or test.",
    ),
]

Report = Callable[[str, int, int], None]

PATIENCE: Final = 2.0
"""Seconds for which nothing is shown."""
_REDRAW: Final = 0.1


def load_source(
    source: str,
    size: int | None,
    on_bad: Literal["stop", "skip"],
    *,
    rehash: bool,
    add: Path | None = None,
) -> "Dataset":
    """Load a data set as `optotype.load` does, telling on the standard error how far it is."""
    from optotype.data.load import load

    with loading(console(stderr=True)) as tell:
        return load(source, size=size, on_bad=on_bad, add=add, rehash=rehash, report=tell)


@contextmanager
def loading(screen: "Console") -> Iterator[Report]:
    """Give the report of a loading; a context, so that a bar ends tidily."""
    bar = _bar(screen)
    live = screen.is_terminal and not screen.is_dumb_terminal
    due = time.monotonic() + PATIENCE
    shown = ""

    def show(what: str, done: int, total: int) -> None:
        nonlocal due, shown
        if time.monotonic() < due:
            return
        due = time.monotonic() + _REDRAW
        if what != shown:
            shown = what
            if live:
                bar.start()
                bar.add_task(what, total=total)
            else:
                screen.print(f"{what}, {done / total:.0%} done")
        if live:
            bar.update(bar.task_ids[-1], completed=done, total=total, refresh=True)

    try:
        yield show
    finally:
        if live and shown:
            bar.stop()


def _bar(screen: "Console") -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TimeRemainingColumn(),
    )
    # Redrawn when there is something to report, never by a thread of its own.
    # What is printed meanwhile stays on its own stream: rich would send it where the bar is.
    return Progress(
        *columns,
        console=screen,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
