"""The tables of time: seconds per epoch of both libraries, whole trainings, and Keras's backends."""

from pathlib import Path
from statistics import median
from typing import Final

from reproduce.backends import read_backends
from reproduce.lessons import LESSONS
from reproduce.peers import BACKENDS
from reproduce.timing import Timing, read_timing

_MEANING: Final = """Medians of three warm epochs per library, alternating in one session, all cores, with validation;
Keras on its fastest backend, optotype in bf16 on AMX and in fp32 elsewhere. The last column is the
ratio Keras / optotype."""


def seconds_table(folder: Path) -> str:
    """Render the table of seconds per epoch, below the machine and the versions."""
    timings = [timing for timing in (read_timing(name, folder) for name in LESSONS) if timing is not None]
    if not timings:
        return "Not measured yet."
    lines = [
        _MEANING,
        "",
        *(f"- {environment}" for environment in dict.fromkeys(_where(timing) for timing in timings)),
        "",
        "| recipe | Keras's backend | Keras, s | optotype, s | times |",
        "|---|---|---|---|---|",
        *(_row(timing) for timing in timings),
    ]
    return "\n".join(lines)


def _where(timing: Timing) -> str:
    sides = {**timing.optotype.versions, **timing.keras.versions}
    versions = ", ".join(f"{name} {version}" for name, version in sides.items())
    return f"{timing.machine}, instruction set {timing.optotype.backend}; {versions}"


def _row(timing: Timing) -> str:
    keras, optotype = median(timing.keras.epochs), median(timing.optotype.epochs)
    return f"| {timing.recipe} | {timing.keras.backend} | {keras:.2f} | {optotype:.2f} | {keras / optotype:.1f} |"


def whole_line(folder: Path) -> str:
    """Render the seconds of whole trainings that were measured."""
    timings = [
        timing for timing in (read_timing(name, folder) for name in LESSONS) if timing and timing.keras.whole
    ]
    return "\n".join(
        f"A complete training of `{timing.recipe}`: optotype {median(timing.optotype.whole):.1f} s"
        " (including its run folder),"
        f" Keras {median(timing.keras.whole):.1f} s (including compilation); medians of"
        f" {len(timing.keras.whole)}, alternating."
        for timing in timings
    )


def backends_table(folder: Path) -> str:
    """Render the table from which Keras's backend was chosen."""
    timings = [
        backends for backends in (read_backends(name, folder) for name in LESSONS) if backends is not None
    ]
    if not timings:
        return "Not measured yet."
    rows = [
        f"| {backends.recipe} | {' | '.join(f'{backends.seconds[name]:.2f}' for name in BACKENDS)} |"
        for backends in timings
    ]
    head = [
        "Seconds of a second epoch with Keras on each backend, all cores: enough to choose by, once each.",
        "",
        f"| recipe | {' | '.join(BACKENDS)} |",
        f"|---|{'---|' * len(BACKENDS)}",
    ]
    return "\n".join([*head, *rows])
