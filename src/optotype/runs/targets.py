"""TARGET: a run folder or a model file, resolved the same way for every command."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from optotype.errors import RunError
from optotype.models.model import Model
from optotype.runs.files import wrap_os_errors
from optotype.runs.origin import Origin, read_origin
from optotype.runs.run import MODEL_FILE, Run

_RUNS_ROOT: Final = Path("runs")


@dataclass(frozen=True, eq=False)
class Target:
    """A run or a model that a command works on.

    Attributes:
        run: The run; None for a model that is not in a run folder.
        model_path: The model file; None for a model that is only in memory.
        name: Name for output files: the run's; for a model file its stem, or its folder's name if the file is called
            model.safetensors; "model" for a model that is only in memory.
        runs_root: The folder whose test-openings.jsonl counts openings: the one that holds the run, or runs/ in the
            working folder.
    """

    run: Run | None
    model_path: Path | None
    name: str
    runs_root: Path
    _loaded: Model | None = None

    @cached_property
    def model(self) -> Model:
        """The model, loaded on first use.

        Raises:
            RunError: If the run has not saved a model.
            ModelError: If the model file is damaged.
        """
        if self._loaded is not None:
            return self._loaded
        if self.run is not None:
            return self.run.model
        assert self.model_path is not None  # noqa: S101 - a target has a run, a model in memory, or a model file
        return Model.load(self.model_path)

    def origin(self) -> Origin:
        """Return the data and split that the model was trained on.

        Raises:
            RunError: If the training did not finish, or a file of the run is damaged.
            ModelError: If the model file is damaged, or its provenance does not name data and split.
        """
        if self.run is None:
            return read_origin(self.model)
        self.run.require_finished()
        return Origin(self.run.data, self.run.split.fingerprint, self.run.name)


def open_target(target: object) -> Target:
    """Resolve a run, a model, or the path of a run folder or model file.

    The model file of a run folder stands for its run. A model file is only read when its model is used.

    Args:
        target: A run, a model, a path of either, or an opened target, which is returned as it is.

    Raises:
        RunError: If the path does not exist, a folder is not a run, or the target is of another type.
    """
    match target:
        case Target():
            return target
        case Run():
            return _of_run(target)
        case Model():
            return Target(None, None, Path(MODEL_FILE).stem, _RUNS_ROOT, target)
        case str() | Path():
            return _open_path(Path(target))
    raise RunError(
        f"The target is of type {type(target).__name__}, expected a run, a model, or the path of either."
        " Use the folder of a run."
    )


def _open_path(path: Path) -> Target:
    with wrap_os_errors(path, "open"):
        if path.is_dir():
            return _of_run(Run.open(path))
        if not path.is_file():
            raise RunError(f"There is no {path}, expected a run folder or a model file. Check the path.")
    if path.name != MODEL_FILE:
        return Target(None, path, path.stem, _RUNS_ROOT)
    with suppress(RunError):
        return _of_run(Run.open(path.parent))
    return Target(None, path, path.resolve().parent.name or path.stem, _RUNS_ROOT)


def _of_run(run: Run) -> Target:
    return Target(run, run.model_path, run.name, run.path.resolve().parent)
