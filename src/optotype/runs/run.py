"""A Run: one training and its folder. The folder is complete and correct at any moment, even if the process is killed.

run.json           status, data and their fingerprints; the first file to be written
recipe.json        the whole recipe
split.json         indices of the validation images
skipped.json       skipped images, if any
environment.json   versions, processor, instruction set, threads, precision
epochs.jsonl       one line per epoch
model.safetensors  the model
start.json         the model that the training started from, for transfer learning
augment.json       measurements and choice of augment = "auto"
judgement.json     the judgement
predictions/       predictions of every image, one file per judged split
*.png              curves
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import JsonValue

from optotype.data.dataset import Dataset, Skipped
from optotype.data.splits import Split
from optotype.errors import RecipeError, RunError
from optotype.models.model import Model
from optotype.models.provenance import DataRecord, Environment, TransferStart
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch, append_epoch, read_epochs
from optotype.runs.files import (
    damaged_file_error,
    parse_content,
    read_json,
    read_versioned,
    wrap_os_errors,
    write_json,
)
from optotype.runs.manifest import (
    FORMAT,
    Manifest,
    Status,
    closed_manifest,
    is_process_alive,
    new_manifest,
)
from optotype.runs.predictions import Predictions, read_predictions, write_predictions
from optotype.runs.skipped import read_skipped, write_skipped
from optotype.runs.split import read_split, write_split
from optotype.storage.atomic import write_durably

MODEL_FILE: Final = "model.safetensors"
"""Name of the model file in a run folder."""


class Run:
    """One training and its folder; made by ``create`` or ``open``, never directly.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self._manifest = manifest
        self._epochs: tuple[Epoch, ...] | None = None
        self._model: Model | None = None

    @classmethod
    def create(
        cls,
        path: str | Path,
        recipe: Recipe,
        data: Dataset,
        split: Split,
        environment: Environment,
    ) -> "Run":
        """Start a run in a new folder; its status is "running".

        Args:
            path: The folder; it must be empty, or is created with its parents.
            recipe: The recipe that the run trains with.
            data: The data set.
            split: The split into training and validation images.
            environment: The environment, from ``describe_environment``.

        Raises:
            RunError: If the folder is not empty or cannot be written.
        """
        folder = Path(path)
        with wrap_os_errors(folder, "make the run folder"):
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise RunError(
                    f"The run folder {folder} is not empty, expected a new folder: a run is never overwritten."
                    " Choose another folder, or remove this one."
                )
        run = cls(folder, new_manifest(data))
        write_json(folder / "run.json", run._manifest.model_dump())
        write_json(folder / "recipe.json", recipe.model_dump(mode="json"))
        write_split(folder / "split.json", split, recipe.split_seed, run.data)
        write_skipped(folder / "skipped.json", data.skipped)
        write_json(folder / "environment.json", environment.model_dump())
        return run

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Open a run folder of any status, from an untrusted source.

        Raises:
            RunError: If there is no run folder, or its run.json is damaged or newer.
        """
        folder = Path(path)
        with wrap_os_errors(folder, "open"):
            exists = (folder / "run.json").is_file()
            problem = "has no run.json" if folder.is_dir() else "is not a folder"
        if not exists:
            raise RunError(f"{folder} {problem}, expected a run folder that optotype wrote. Check the path.")
        return cls(folder, read_versioned(folder / "run.json", Manifest, FORMAT))

    def append_epoch(self, epoch: Epoch) -> None:
        """Append the next epoch and flush it to the disk; RunError if it cannot be written."""
        epochs = self.epochs
        if epoch.epoch != len(epochs) + 1:
            raise RunError(f"The epoch is {epoch.epoch}, expected {len(epochs) + 1}. Append epochs in order.")
        append_epoch(self.path / "epochs.jsonl", epoch)
        self._epochs = (*epochs, epoch)

    def save_model(self, model: Model) -> None:
        """Write the model file, replacing an earlier one in one step; ModelError if it cannot be written."""
        model.save(self.model_path)
        self._model = model

    def save_curve(self, quantity: Literal["loss", "accuracy"], png: bytes) -> None:
        """Write a curve of the epochs as loss.png or accuracy.png; RunError if it cannot be written."""
        path = self.path / f"{quantity}.png"
        with wrap_os_errors(path, "write"):
            write_durably(path, png)

    def close(self, status: Literal["finished", "interrupted", "diverged"], reason: str = "") -> None:
        """End the run; a run can be closed only once.

        Args:
            status: The final status.
            reason: Details of how it ended; empty if there are none.

        Raises:
            RunError: If the run is closed already, or run.json cannot be written.
        """
        if self.status != "running":
            raise RunError(
                f"The run {self.path} is already {self.status}, expected a running one. Start a new run."
            )
        manifest = closed_manifest(self._manifest, status, reason)
        write_json(self.path / "run.json", manifest.model_dump())
        self._manifest = manifest

    def require_finished(self) -> None:
        """Check that the run is finished.

        Raises:
            RunError: If it is running, was killed, was interrupted or diverged; the message names which, and what to
                do next.
        """
        if self.status == "finished":
            return
        match self.status:
            case "running":
                state, advice = _describe_running(self._manifest)
            case "interrupted":
                state, advice = "was interrupted", "Train again to the end."
            case "diverged":
                state, advice = "diverged", "Train again with a lower learning rate."
        reason = f" ({self.reason})" if self.reason else ""
        progress = f"after {len(self.epochs)} complete epochs"
        raise RunError(f"The run {self.path} {state} {progress}{reason}, expected a finished run. {advice}")

    def save_transfer(self, start: TransferStart) -> None:
        """Write start.json, the model that the training starts from; RunError if it cannot be written."""
        write_json(self.path / "start.json", start.model_dump())

    def save_augment_choice(self, choice: Mapping[str, JsonValue]) -> None:
        """Write augment.json, the measurements that chose the augmentation; RunError if it cannot be written."""
        write_json(self.path / "augment.json", choice)

    def write_judgement(self, judgement: Mapping[str, JsonValue]) -> None:
        """Write judgement.json, replacing an earlier one; RunError if it cannot be written."""
        write_json(self.path / "judgement.json", judgement)

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Write the predictions of a split; RunError if they cannot be written."""
        write_predictions(self._predictions_path(split), predictions)

    def predictions(self, split: str) -> Predictions | None:
        """Return the predictions of a split; None before judging. RunError if the file is damaged."""
        path = self._predictions_path(split)
        return read_predictions(path) if path.exists() else None

    def _predictions_path(self, split: str) -> Path:
        return self.path / "predictions" / f"{split}.safetensors"

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    @property
    def status(self) -> Status:
        """Status of the run when it was opened, or since it was closed through this object."""
        return self._manifest.status

    @property
    def reason(self) -> str:
        """Details of how the run ended; empty if there are none."""
        return self._manifest.reason

    @property
    def created(self) -> str:
        """Start of the run, UTC in ISO 8601."""
        return self._manifest.created

    @property
    def data(self) -> DataRecord:
        """The data set that the run is trained on."""
        return self._manifest.data

    @property
    def source(self) -> str:
        """The SOURCE that ``load`` takes to load the data set again."""
        return self._manifest.data.source

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs so far; RunError if their file is damaged."""
        if self._epochs is None:
            self._epochs = read_epochs(self.path / "epochs.jsonl")
        return self._epochs

    @property
    def recipe(self) -> Recipe:
        """The recipe; RunError if its file is damaged."""
        path = self.path / "recipe.json"
        try:
            return Recipe.from_saved(read_json(path))
        except RecipeError as error:
            raise damaged_file_error(path, f"has no valid recipe ({error})") from None

    @property
    def split(self) -> Split:
        """The split into training and validation images, checked by its fingerprint; RunError if it differs."""
        return read_split(self.path / "split.json", self.data)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Image files that the run was trained without; RunError if their file is damaged."""
        return read_skipped(self.path / "skipped.json")

    @property
    def environment(self) -> Environment:
        """The environment of the training; RunError if its file is damaged."""
        path = self.path / "environment.json"
        return parse_content(path, Environment, read_json(path))

    @property
    def transfer(self) -> TransferStart | None:
        """The model that the training started from; None without transfer learning. RunError if its file is damaged."""
        path = self.path / "start.json"
        return parse_content(path, TransferStart, read_json(path)) if path.exists() else None

    @property
    def augment_choice(self) -> dict[str, JsonValue] | None:
        """The measurements and choice of `augment = "auto"`; None without it. RunError if its file is damaged."""
        path = self.path / "augment.json"
        return read_json(path) if path.exists() else None

    @property
    def judgement(self) -> dict[str, JsonValue] | None:
        """The judgement as JSON; None before judging. RunError if its file is damaged."""
        path = self.path / "judgement.json"
        return read_json(path) if path.exists() else None

    @property
    def model_path(self) -> Path:
        """Path of the model file, which may not exist yet."""
        return self.path / MODEL_FILE

    @property
    def model(self) -> Model:
        """The saved model, loaded on first use.

        Raises:
            RunError: If the run ended before it saved a model.
            ModelError: If the model file is damaged.
        """
        if self._model is None:
            path = self.model_path
            if not path.exists():
                raise RunError(
                    f"The run {self.path} is {self.status} and has no model, expected {MODEL_FILE} in its folder."
                    " Train again."
                )
            self._model = Model.load(path)
        return self._model

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays."""
        from optotype.reporting.notebook import display_run  # noqa: PLC0415 - only notebooks need it

        return display_run(self)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {self.status})"


def _describe_running(manifest: Manifest) -> tuple[str, str]:
    match is_process_alive(manifest):
        case True:
            return f"is still running (process {manifest.pid})", "Wait until it ends."
        case False:
            return f"was killed (process {manifest.pid} does not exist)", "Train again."
        case None:
            process = f"on {manifest.host} (process {manifest.pid})"
            return f"is still running, or was killed, {process}", "Wait until it ends, or train again."
