"""Which runs a folder holds. A damaged one is told of, and keeps nobody from the others."""

from pathlib import Path
from typing import NamedTuple

from optotype.errors import RunError
from optotype.runs.files import wrap_os_errors
from optotype.runs.run import Run


class Damaged(NamedTuple):
    """A run folder that cannot be read.

    Attributes:
        path: The folder.
        problem: What is wrong with it, in a sentence.
    """

    path: Path
    problem: str


class Listing(NamedTuple):
    """The runs in a folder.

    Attributes:
        runs: Those that can be read, whatever their status, the newest first.
        damaged: Those that cannot, by name.
    """

    runs: tuple[Run, ...]
    damaged: tuple[Damaged, ...]


def list_runs(root: str | Path = "runs") -> Listing:
    """List the runs in a folder; folders in it that are no runs are passed over.

    Args:
        root: The folder of the runs.

    Raises:
        RunError: There is no such folder, it cannot be read, or it is itself a run.
    """
    folder = Path(root)
    with wrap_os_errors(folder, "list the runs in"):
        if not folder.is_dir():
            raise RunError(f"There is no folder {folder}, expected one that holds runs. Check the path.")
        if (folder / "run.json").exists():
            raise RunError(
                f"{folder} is itself a run, expected a folder that holds runs. Name {folder.parent}."
            )
        paths = sorted(path for path in folder.iterdir() if _is_run(path))
    runs, damaged = [], []
    for path in paths:
        try:
            runs.append(_whole(path))
        except RunError as error:
            damaged.append(Damaged(path, str(error)))
    # By name before, so that the order is the same everywhere for runs of one second.
    return Listing(tuple(sorted(runs, key=lambda run: run.created, reverse=True)), tuple(damaged))


def _is_run(path: Path) -> bool:
    try:
        return (path / "run.json").exists()
    except OSError:  # a folder that nobody may look into cannot be told from a run
        return path.is_dir()


def _whole(path: Path) -> Run:
    """Open a run and read what every run has."""
    run = Run.open(path)
    _ = run.recipe, run.epochs, run.split
    return run
