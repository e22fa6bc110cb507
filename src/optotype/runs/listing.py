"""The runs in a folder. A damaged run is listed with its problem and does not hide the other runs."""

from pathlib import Path
from typing import NamedTuple

from optotype.errors import RunError
from optotype.runs.files import wrap_os_errors
from optotype.runs.run import Run


class DamagedRun(NamedTuple):
    """A run folder that cannot be read.

    Attributes:
        path: The folder.
        problem: The problem, as a sentence.
    """

    path: Path
    problem: str


class Listing(NamedTuple):
    """The runs in a folder.

    Attributes:
        runs: Readable runs of any status, the newest first.
        damaged: Unreadable runs, sorted by name.
    """

    runs: tuple[Run, ...]
    damaged: tuple[DamagedRun, ...]


def list_runs(root: str | Path = "runs") -> Listing:
    """List the runs in a folder; other folders in it are skipped.

    Args:
        root: The folder of the runs.

    Raises:
        RunError: If there is no such folder, it cannot be read, or it is itself a run.
    """
    folder = Path(root)
    with wrap_os_errors(folder, "list the runs in"):
        if not folder.is_dir():
            raise RunError(f"There is no folder {folder}, expected a folder with runs. Check the path.")
        if (folder / "run.json").exists():
            raise RunError(
                f"{folder} is itself a run, expected a folder with runs. Use its parent folder {folder.parent}."
            )
        paths = sorted(path for path in folder.iterdir() if _is_run(path))
    runs, damaged = [], []
    for path in paths:
        try:
            runs.append(_open_and_check(path))
        except RunError as error:
            damaged.append(DamagedRun(path, str(error)))
    # The paths are sorted by name, so that the order is the same everywhere for runs of the same second.
    return Listing(tuple(sorted(runs, key=lambda run: run.created, reverse=True)), tuple(damaged))


def _is_run(path: Path) -> bool:
    try:
        return (path / "run.json").exists()
    except OSError:  # without permission to read a folder, it may be a run
        return path.is_dir()


def _open_and_check(path: Path) -> Run:
    """Open a run and read the files that every run has."""
    run = Run.open(path)
    _ = run.recipe, run.epochs, run.split
    return run
