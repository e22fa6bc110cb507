"""A Run: one training and its folder. The folder tells the truth at any moment, even if the process is killed.

run.json           status, data and their fingerprints; the first file to be written
recipe.json        the whole recipe
split.json         which images validate
skipped.json       pictures that were left out, if any
environment.json   versions, processor, instruction set, threads, precision
epochs.jsonl       one line an epoch
model.safetensors  the model
start.json         the model that it began from, where it did not begin from nothing
augment.json       what augment = "auto" measured and chose, where the recipe asked for it
judgement.json     what judging found
predictions/       what the model said of every image, a file for each split that was judged
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
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch, append_epoch, read_epochs
from optotype.runs.files import damaged, read_json, read_model, wrap_os_errors, write_json
from optotype.runs.manifest import (
    FORMAT,
    DataRecord,
    Manifest,
    Status,
    closed_manifest,
    is_alive,
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
        environment: Mapping[str, JsonValue],
    ) -> "Run":
        """Begin a run in a new folder; its status is "running".

        Args:
            path: The folder; made with its parents, or empty.
            recipe: How the run trains.
            data: On what.
            split: Which images train and which validate.
            environment: What ``describe_environment`` gave.

        Raises:
            RunError: The folder holds something already, or cannot be written.
        """
        folder = Path(path)
        with wrap_os_errors(folder, "make the run folder"):
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise RunError(
                    f"The run folder {folder} is not empty, expected a new one: a run is never overwritten."
                    " Name another folder, or remove this one."
                )
        run = cls(folder, new_manifest(data))
        write_json(folder / "run.json", run._manifest.model_dump())
        write_json(folder / "recipe.json", recipe.model_dump(mode="json"))
        write_split(folder / "split.json", split, recipe.split_seed, run.data)
        write_skipped(folder / "skipped.json", data.skipped)
        write_json(folder / "environment.json", environment)
        return run

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Look at a run folder, whatever its status; nothing in it is trusted.

        Raises:
            RunError: There is no run folder, or its run.json is damaged or newer.
        """
        folder = Path(path)
        with wrap_os_errors(folder, "open"):
            found, what = (
                (folder / "run.json").is_file(),
                "has no run.json" if folder.is_dir() else "is not a folder",
            )
        if not found:
            raise RunError(f"{folder} {what}, expected a run folder that optotype made. Check the path.")
        return cls(folder, read_model(folder / "run.json", Manifest, FORMAT))

    def record(self, epoch: Epoch) -> None:
        """Add the next epoch; it is on the disk when this returns. RunError where it cannot be written."""
        done = self.epochs
        if epoch.epoch != len(done) + 1:
            raise RunError(
                f"Epoch {epoch.epoch} was recorded, expected epoch {len(done) + 1}. Record them in order."
            )
        append_epoch(self.path / "epochs.jsonl", epoch)
        self._epochs = (*done, epoch)

    def keep(self, model: Model) -> None:
        """Write the model file, replacing an earlier one in one step; ModelError where it cannot be written."""
        model.save(self.model_path)
        self._model = model

    def keep_curve(self, quantity: Literal["loss", "accuracy"], png: bytes) -> None:
        """Write a picture of the epochs as loss.png or accuracy.png; RunError where it cannot be written."""
        path = self.path / f"{quantity}.png"
        with wrap_os_errors(path, "write"):
            write_durably(path, png)

    def close(self, status: Literal["finished", "interrupted", "diverged"], reason: str = "") -> None:
        """End the run, once and for all.

        Args:
            status: How it ended.
            reason: Why, in words, where there is more to say.

        Raises:
            RunError: The run has ended before, or run.json cannot be written.
        """
        if self.status != "running":
            raise RunError(
                f"The run {self.path} is {self.status} already, expected one that runs. Start a new run."
            )
        manifest = closed_manifest(self._manifest, status, reason)
        write_json(self.path / "run.json", manifest.model_dump())
        self._manifest = manifest

    def require_finished(self) -> None:
        """Refuse a run that did not end well.

        Raises:
            RunError: It runs, was killed, was interrupted or diverged; the message says which, and what to do.
        """
        if self.status == "finished":
            return
        match self.status:
            case "running":
                what, then = _while_running(self._manifest)
            case "interrupted":
                what, then = "was interrupted", "Train again to the end."
            case "diverged":
                what, then = "diverged", "Train again with a lower learning rate."
        because = f" ({self.reason})" if self.reason else ""
        done = f"after {len(self.epochs)} whole epochs"
        raise RunError(f"The run {self.path} {what} {done}{because}, expected a finished run. {then}")

    def began_from(self, start: Mapping[str, JsonValue]) -> None:
        """Keep which model the training began from; RunError where it cannot be written."""
        write_json(self.path / "start.json", start)

    def explain_augment(self, measured: Mapping[str, JsonValue]) -> None:
        """Keep what was measured to choose the augmentation; RunError where it cannot be written."""
        write_json(self.path / "augment.json", measured)

    def write_judgement(self, judgement: Mapping[str, JsonValue]) -> None:
        """Keep what judging found, in place of what was found before; RunError where it cannot be written."""
        write_json(self.path / "judgement.json", judgement)

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Keep what the model said of a split's images; RunError where it cannot be written."""
        write_predictions(self._predictions_path(split), predictions)

    def predictions(self, split: str) -> Predictions | None:
        """What the model said of a split's images; None before judging. RunError where the file is damaged."""
        path = self._predictions_path(split)
        return read_predictions(path) if path.exists() else None

    def _predictions_path(self, split: str) -> Path:
        return self.path / "predictions" / f"{split}.safetensors"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def status(self) -> Status:
        """How the run stood when it was opened, or stands since it was closed here."""
        return self._manifest.status

    @property
    def reason(self) -> str:
        """Why it ended, where there is more to say."""
        return self._manifest.reason

    @property
    def created(self) -> str:
        """When it began, UTC in ISO 8601."""
        return self._manifest.created

    @property
    def data(self) -> DataRecord:
        """What it is trained on."""
        return self._manifest.data

    @property
    def source(self) -> str:
        """What ``load`` takes to get the data again."""
        return self._manifest.data.source

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs so far; RunError where their file is damaged."""
        if self._epochs is None:
            self._epochs = read_epochs(self.path / "epochs.jsonl")
        return self._epochs

    @property
    def recipe(self) -> Recipe:
        """How the run trains; RunError where its file is damaged."""
        path = self.path / "recipe.json"
        try:
            return Recipe.from_saved(read_json(path))
        except RecipeError as error:
            raise damaged(path, f"holds no recipe ({error})") from None

    @property
    def split(self) -> Split:
        """Which images train and which validate, held against their hash; RunError where it is another."""
        return read_split(self.path / "split.json", self.data)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Pictures of the source that the run was trained without; RunError where their file is damaged."""
        return read_skipped(self.path / "skipped.json")

    @property
    def environment(self) -> dict[str, JsonValue]:
        """What the run was computed with; RunError where its file is damaged."""
        return read_json(self.path / "environment.json")

    @property
    def start(self) -> dict[str, JsonValue] | None:
        """Which model the training began from; None where it began from nothing. RunError where it is damaged."""
        path = self.path / "start.json"
        return read_json(path) if path.exists() else None

    @property
    def augment_choice(self) -> dict[str, JsonValue] | None:
        """What `augment = "auto"` measured and chose; None where the recipe said it. RunError where it is damaged."""
        path = self.path / "augment.json"
        return read_json(path) if path.exists() else None

    @property
    def judgement(self) -> dict[str, JsonValue] | None:
        """What judging found; None before. RunError where its file is damaged."""
        path = self.path / "judgement.json"
        return read_json(path) if path.exists() else None

    @property
    def model_path(self) -> Path:
        """Where the model file lies, or will."""
        return self.path / MODEL_FILE

    @property
    def model(self) -> Model:
        """The model that was kept, loaded when first asked for.

        Raises:
            RunError: The run ended or was stopped before it kept one.
            ModelError: The model file is damaged.
        """
        if self._model is None:
            path = self.model_path
            if not path.exists():
                raise RunError(
                    f"The run {self.path} is {self.status} and kept no model, expected {MODEL_FILE}."
                    " Train again."
                )
            self._model = Model.load(path)
        return self._model

    def _repr_html_(self) -> str:
        """Show the run in a notebook."""
        from optotype.reporting.notebook import display_run  # noqa: PLC0415 - only notebooks need it

        return display_run(self)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {self.status})"


def find_target(path: str | Path) -> Run | Model:
    """Open what a TARGET names: a run folder or a model file.

    Raises:
        RunError: There is nothing there, or a folder that is no run.
        ModelError: The file is no model.
    """
    target = Path(path)
    with wrap_os_errors(target, "open"):
        if target.is_dir():
            return Run.open(target)
        if target.is_file():
            return Model.load(target)
    raise RunError(f"There is no {target}, expected a run folder or a model file. Check the path.")


def _while_running(manifest: Manifest) -> tuple[str, str]:
    match is_alive(manifest):
        case True:
            return f"is still running (process {manifest.pid})", "Wait until it ends."
        case False:
            return f"was killed (process {manifest.pid} is gone)", "Train again."
        case None:
            where = f"on {manifest.host} (process {manifest.pid})"
            return f"is still running, or was killed, {where}", "Wait until it ends, or train again."
