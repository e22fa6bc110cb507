"""The progress of a training: a live line on a terminal, plain lines on a pipe, JSON lines for programs.

On a terminal each finished epoch is a row under a heading, with a moving bar below the last one. On a pipe every line
names its numbers, because the heading may be far away. The bar is redrawn when the engine reports, never by a separate
thread: the processor belongs to the engine's threads.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from optotype.cli.terminal import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from optotype.runs.epoch import Epoch
    from optotype.training.loop import Progress

    Report = Callable[[Progress], None]

_HEADING: Final = "  epoch       loss  accuracy    val_loss  val_accuracy   seconds    images/s"


def training_progress(console: "Console", *, json: bool) -> "AbstractContextManager[Report]":
    """Show a training's progress while the block runs; the block's value is the function that takes each report."""
    if json:
        return nullcontext(_print_json_line)
    if console.is_terminal and not console.is_dumb_terminal:
        return _live_bar(console)
    return nullcontext(lambda progress: _print_line(console, progress))


def _print_json_line(progress: "Progress") -> None:
    if progress.result is not None:
        print_json({"event": "epoch", "epochs": progress.epochs, **asdict(progress.result)})


def _print_line(console: "Console", progress: "Progress") -> None:
    epoch = progress.result
    if epoch is None:
        return
    columns = [
        f"epoch {epoch.epoch}/{progress.epochs}",
        f"loss {epoch.loss:.4f}",
        f"accuracy {epoch.accuracy:.4f}",
    ]
    if epoch.val_loss is not None and epoch.val_accuracy is not None:
        columns += [f"val_loss {epoch.val_loss:.4f}", f"val_accuracy {epoch.val_accuracy:.4f}"]
    columns += [f"{epoch.seconds:.1f} s", f"{_format_speed(epoch.images, epoch.seconds)} images/s"]
    console.print("  ".join(columns))


@contextmanager
def _live_bar(console: "Console") -> "Iterator[Report]":
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TextColumn("{task.fields[time_left]} left", markup=False),
        TextColumn("{task.fields[speed]} images/s", markup=False),
    )
    start = time.perf_counter()
    with Bar(*columns, console=console, auto_refresh=False, transient=True) as bar:
        task = bar.add_task("starting", total=None, time_left="-:--", speed="-")

        def update(progress: "Progress") -> None:
            if progress.result is not None:
                if progress.epoch == 1:
                    console.print(_HEADING, style="bold")
                console.print(_format_row(progress.result, progress.epochs))
            bar.update(
                task,
                description=f"epoch {progress.epoch}/{progress.epochs}",
                completed=progress.images_done,
                total=progress.images_total,
                time_left=_format_time_left(progress, time.perf_counter() - start),
                speed=_format_speed(progress.images_done, progress.seconds),
                refresh=True,
            )

        bar.refresh()
        yield update


def _format_row(epoch: "Epoch", epochs: int) -> str:
    val_loss = "-" if epoch.val_loss is None else f"{epoch.val_loss:.4f}"
    val_accuracy = "-" if epoch.val_accuracy is None else f"{epoch.val_accuracy:.4f}"
    return (
        f"{f'{epoch.epoch}/{epochs}':>7}  {epoch.loss:9.4f}  {epoch.accuracy:8.4f}  {val_loss:>10}"
        f"  {val_accuracy:>12}  {epoch.seconds:8.1f}  {_format_speed(epoch.images, epoch.seconds):>10}"
    )


def _format_speed(images: int, seconds: float) -> str:
    return f"{images / seconds:,.0f}" if seconds > 0 else "-"


def _format_time_left(progress: "Progress", elapsed: float) -> str:
    """Estimate the time until the last epoch ends, from the mean speed so far."""
    done = (progress.epoch - 1) * progress.images_total + progress.images_done
    if done == 0:
        return "-:--"
    seconds = round(elapsed * (progress.epochs * progress.images_total - done) / done)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
