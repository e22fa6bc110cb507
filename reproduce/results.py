"""The files in results/: one JSON file per recipe and library, rewritten after every training, read as typed records.

A file belongs to one definition of its recipe and one split: trainings with another definition or split are dropped.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from optotype.recipes.recipe import Recipe

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "results"
# Git ignores build/, which holds arrays for Keras and temporary run folders.
CACHE: Final = ROOT / "build" / "reproduce"

Peer = Literal["keras", "optotype-fp32", "optotype-bf16"]


def definition(recipe: Recipe) -> dict[str, Any]:
    """Return the settings that all trainings of a recipe share, as plain JSON.

    The precision is excluded: it affects how optotype computes, and Keras has no such setting.
    """
    dumped: dict[str, Any] = json.loads(recipe.to_json())
    excluded = {"name", "source", "seed", "precision"}
    return {key: value for key, value in dumped.items() if key not in excluded}


def _completed(saved: dict[str, Any]) -> dict[str, Any]:
    return definition(Recipe.model_validate(saved))


# A definition saved before a setting existed means that setting's default.
Definition = Annotated[dict[str, Any], AfterValidator(_completed)]


class Frozen(BaseModel):
    """A frozen record without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Score(Frozen):
    """Mean log loss and accuracy (share of n) of one split."""

    n: int
    loss: float
    accuracy: float


class Training(Frozen):
    """One training.

    Attributes:
        seed: The seed of weights, order and dropout.
        epochs: The number of epochs.
        history: Per epoch: loss, accuracy and, with validation, val_loss and val_accuracy.
        train: The score of the saved weights on the training images.
        validation: The same on the validation images; None without any.
        test: The same on the test images.
    """

    seed: int
    epochs: int
    history: dict[str, tuple[float, ...]]
    train: Score
    validation: Score | None
    test: Score


class Results(Frozen):
    """The results of one library with one recipe.

    Attributes:
        recipe: The name of the built-in recipe.
        peer: "keras", or optotype in one of its precisions.
        definition: The recipe itself, without names and seed.
        split: The fingerprint of the split.
        backend: Keras's backend, or optotype's instruction set.
        versions: The versions of Python and of the packages.
        trainings: The trainings, sorted by seed.
    """

    recipe: str
    peer: Peer
    definition: Definition
    split: str
    backend: str
    versions: dict[str, str]
    trainings: tuple[Training, ...]


def path(recipe: str, kind: str, folder: Path = FOLDER) -> Path:
    """Return the path of a recipe's file: results/RECIPE.KIND.json."""
    return folder / f"{recipe}.{kind}.json"


def read(recipe: str, peer: Peer, folder: Path = FOLDER) -> Results | None:
    """Read a recipe's results; None if there are none yet."""
    file = path(recipe, peer, folder)
    return Results.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def with_common_seeds(results: Results | None, reference: Results | None) -> Results | None:
    """Return results restricted to the seeds of a reference, so that both have the same number of trainings."""
    if results is None or reference is None:
        return results
    seeds = {training.seed for training in reference.trainings}
    trainings = tuple(training for training in results.trainings if training.seed in seeds)
    return results.model_copy(update={"trainings": trainings})


def write(record: BaseModel, file: Path) -> None:
    """Write a record as JSON, atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(_compact(record) + "\n", file)


def write_text(text: str, file: Path) -> None:
    """Write a text, atomically."""
    written = file.with_name(f".{file.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8")
    written.replace(file)


def _compact(record: BaseModel) -> str:
    """Indent JSON, with every innermost list and table on one line."""
    return _lines(json.loads(record.model_dump_json()), "")


def _lines(value: object, indent: str) -> str:
    plain = json.dumps(value)
    if len(indent) + len(plain) <= 110 or not isinstance(value, dict | list):
        return plain
    inner = f"{indent} "
    if isinstance(value, dict):
        body = [f"{inner}{json.dumps(key)}: {_lines(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(body) + f"\n{indent}}}"
    if all(isinstance(item, int | float) for item in value):
        return plain
    return "[\n" + ",\n".join(inner + _lines(item, inner) for item in value) + f"\n{indent}]"


def add_trainings(results: Results, folder: Path = FOLDER) -> Results:
    """Add trainings to a recipe's file and write it.

    Args:
        results: Results with new trainings. Trainings in the file with another definition, split, backend or versions
            are dropped.
        folder: The folder of the results.

    Returns:
        The merged content of the file.
    """
    saved = read(results.recipe, results.peer, folder)
    trainings = {
        training.seed: training
        for training in (saved.trainings if saved and _belong_together(saved, results) else ())
    }
    trainings |= {training.seed: training for training in results.trainings}
    merged = results.model_copy(update={"trainings": tuple(trainings[seed] for seed in sorted(trainings))})
    write(merged, path(results.recipe, results.peer, folder))
    return merged


def _belong_together(a: Results, b: Results) -> bool:
    return a.model_copy(update={"trainings": ()}) == b.model_copy(update={"trainings": ()})
