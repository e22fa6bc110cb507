"""Loading data sets with a progress bar, which appears after two seconds. On a pipe the bar is one line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from optotype.cli.terminal import make_console
from optotype.progress import ProgressCallback

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from optotype.data.dataset import Dataset

DELAY_SECONDS: Final = 2.0
"""How long nothing is shown."""
REDRAW_SECONDS: Final = 0.1
"""Shortest time between two redraws of the bar."""


def load_source(
    source: str,
    size: int | None,
    on_bad: Literal["stop", "skip"],
    *,
    rehash: bool,
    add: Path | None = None,
) -> "Dataset":
    """Load a data set as `optotype.load` does, with a progress bar on standard error."""
    from optotype.data.load import load

    with progress_bar(make_console(stderr=True)) as report:
        return load(source, size=size, on_bad=on_bad, add=add, rehash=rehash, report=report)


@contextmanager
def progress_bar(console: "Console") -> Iterator[ProgressCallback]:
    """Show a progress bar while the block runs; the block's value is the function that updates it."""
    bar = _make_bar(console)
    is_live = console.is_terminal and not console.is_dumb_terminal
    next_update = time.monotonic() + DELAY_SECONDS
    current = ""

    def update(activity: str, done: int, total: int) -> None:
        nonlocal next_update, current
        if time.monotonic() < next_update:
            return
        next_update = time.monotonic() + REDRAW_SECONDS
        if activity != current:
            current = activity
            if is_live:
                bar.start()
                bar.add_task(activity, total=total)
            else:
                console.print(f"{activity}, {done / total:.0%} done")
        if is_live:
            bar.update(bar.task_ids[-1], completed=done, total=total, refresh=True)

    try:
        yield update
    finally:
        if is_live and current:
            bar.stop()


def _make_bar(console: "Console") -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TimeRemainingColumn(),
    )
    # The bar is redrawn at each report, never by a separate thread. Output printed meanwhile is not redirected:
    # rich would move it to the stream of the bar.
    return Progress(
        *columns,
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
