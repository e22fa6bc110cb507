"""The files in results/: one JSON for each recipe and peer, written anew after every training, read back typed.

A file belongs to one definition of its recipe and one split: trainings of another are not taken over.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from optotype.recipes.recipe import Recipe

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "results"
# Git ignores build/: arrays for the peers and run folders of the trainings lie there.
CACHE: Final = ROOT / "build" / "reproduce"

Peer = Literal["keras", "optotype-fp32", "optotype-bf16"]


def definition(recipe: Recipe) -> dict[str, Any]:
    """Give all of a recipe that decides what its trainings have in common, as plain JSON.

    The precision is left out: it is how optotype computes, not what, and Keras knows nothing of it.
    """
    dumped: dict[str, Any] = json.loads(recipe.to_json())
    apart = {"name", "source", "seed", "precision"}
    return {key: value for key, value in dumped.items() if key not in apart}


def _completed(kept: dict[str, Any]) -> dict[str, Any]:
    return definition(Recipe.model_validate(kept))


# One that was kept before recipes gained a setting means that setting's default, which is how it was until then.
Definition = Annotated[dict[str, Any], AfterValidator(_completed)]


class Frozen(BaseModel):
    """A record that is never changed and has no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Score(Frozen):
    """Mean log loss and accuracy (share of n) of one split."""

    n: int
    loss: float
    accuracy: float


class Training(Frozen):
    """One training.

    Attributes:
        seed: Of weights, order and dropout.
        epochs: How many it ran.
        history: For each epoch: loss, accuracy and, with validation, val_loss and val_accuracy.
        train: Score on the images it was trained on, of the weights that were kept.
        validation: The same on validation; None where there is none.
        test: The same on the test split.
    """

    seed: int
    epochs: int
    history: dict[str, tuple[float, ...]]
    train: Score
    validation: Score | None
    test: Score


class Results(Frozen):
    """What one peer reached with one recipe.

    Attributes:
        recipe: Name of the built-in recipe.
        peer: "keras", or optotype in one of its precisions.
        definition: The recipe itself, without names and seed.
        split: Fingerprint of the split.
        backend: Keras's backend, or optotype's instruction set.
        versions: Of Python and of the packages that did the work.
        trainings: Sorted by seed.
    """

    recipe: str
    peer: Peer
    definition: Definition
    split: str
    backend: str
    versions: dict[str, str]
    trainings: tuple[Training, ...]


def path(recipe: str, kind: str, folder: Path = FOLDER) -> Path:
    """Give the place of a recipe's file: results/RECIPE.KIND.json."""
    return folder / f"{recipe}.{kind}.json"


def read(recipe: str, peer: Peer, folder: Path = FOLDER) -> Results | None:
    """Read a recipe's results; None where there are none yet."""
    file = path(recipe, peer, folder)
    return Results.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def shared(ours: Results | None, theirs: Results | None) -> Results | None:
    """Give our trainings of the seeds that the other side has too: the same number of each is compared."""
    if ours is None or theirs is None:
        return ours
    seeds = {each.seed for each in theirs.trainings}
    return ours.model_copy(update={"trainings": tuple(each for each in ours.trainings if each.seed in seeds)})


def write(record: BaseModel, file: Path) -> None:
    """Write a record as JSON, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(_compact(record) + "\n", file)


def write_text(text: str, file: Path) -> None:
    """Write a text, whole or not at all."""
    written = file.with_name(f".{file.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8")
    written.replace(file)


def _compact(record: BaseModel) -> str:
    """Indent, but keep every innermost list and table on one line, so that a history is a line."""
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


def keep(found: Results, folder: Path = FOLDER) -> Results:
    """Add trainings to a recipe's file and write it.

    Args:
        found: Results with new trainings. What the file has of another definition, split, backend or versions is
            dropped.
        folder: Of the results.

    Returns:
        What is now in the file.
    """
    known = read(found.recipe, found.peer, folder)
    trainings = {
        training.seed: training for training in (known.trainings if known and _alike(known, found) else ())
    }
    trainings |= {training.seed: training for training in found.trainings}
    merged = found.model_copy(update={"trainings": tuple(trainings[seed] for seed in sorted(trainings))})
    write(merged, path(found.recipe, found.peer, folder))
    return merged


def _alike(one: Results, other: Results) -> bool:
    return one.model_copy(update={"trainings": ()}) == other.model_copy(update={"trainings": ()})
