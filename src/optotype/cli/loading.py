"""What is shown while data are fetched or decoded: nothing for two seconds, then a bar, or one line on a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

Report = Callable[[str, int, int], None]

PATIENCE: Final = 2.0
"""Seconds for which nothing is shown."""
_REDRAW: Final = 0.1


@contextmanager
def loading(console: "Console") -> Iterator[Report]:
    """Give the report of a loading; a context, so that a bar ends tidily."""
    bar = _bar(console)
    live = console.is_terminal and not console.is_dumb_terminal
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
                console.print(f"{what}, {done / total:.0%} done")
        if live:
            bar.update(bar.task_ids[-1], completed=done, total=total, refresh=True)

    try:
        yield show
    finally:
        if live and shown:
            bar.stop()


def _bar(console: "Console") -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TimeRemainingColumn(),
    )
    # Redrawn when there is something to report, never by a thread of its own.
    return Progress(*columns, console=console, auto_refresh=False, transient=True)
