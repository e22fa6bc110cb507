"""The candidates of a comparison: opened, checked to be comparable, and named.

All checks are done before anything is predicted and before a test set is opened.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from optotype.errors import RunError
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.runs.origin import Origin
from optotype.runs.run import Run
from optotype.runs.targets import open_target
from optotype.text import printable


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model to compare.

    Attributes:
        key: "A" for the first candidate, "B" for the second, and so on.
        name: The unique name of its run or file.
        target: The target that it was opened from, as text.
        file: Its model file; None for a model in memory.
        model: The model.
        recipe: The recipe as it was requested: "auto" for an augmentation that the run chose itself.
        origin: The data, split and run that it was trained with.
        runs_root: Folder in which openings of its test set are counted.
    """

    key: str
    name: str
    target: str
    file: Path | None
    model: Model
    recipe: Recipe
    origin: Origin
    runs_root: Path

    def __str__(self) -> str:
        return f"{self.key} ({self.name})"


def find_candidates(targets: Sequence[Run | Model | str | Path]) -> tuple[Candidate, ...]:
    """Open the models to compare, and check that they can be compared.

    Args:
        targets: Runs, models, or paths of either; at least two, all with the same data set and split. Their additional
            training images may differ.

    Returns:
        The candidates, in the order of the targets.

    Raises:
        RunError: If there are fewer than two targets, two are the same, one did not finish training, or they were
            trained on different data or splits.
        ModelError: If a model file is damaged, or does not name its training data.
    """
    if len(targets) < 2:
        raise RunError(
            f"{len(targets) or 'No'} target was given, expected at least two run folders or model files. Add another."
        )
    candidates = [_open(target, key_of(index)) for index, target in enumerate(targets)]
    for index, candidate in enumerate(candidates):
        for earlier in candidates[:index]:
            _check_different(earlier, candidate)
            _check_comparable(earlier, candidate)
    return tuple(_with_unique_names(candidates))


def key_of(index: int) -> str:
    """Return the key of a candidate: A to Z, then AA, AB and so on."""
    prefix, letter = divmod(index, 26)
    return (key_of(prefix - 1) if prefix else "") + chr(ord("A") + letter)


def _open(target: Run | Model | str | Path, key: str) -> Candidate:
    opened = open_target(target)
    origin, model, run = opened.origin(), opened.model, opened.run
    file = opened.model_path and opened.model_path.resolve()
    if run is not None:
        # The augmentation that "auto" chooses may depend on the seed; the recipe is the same.
        update = {} if run.augment_choice is None else {"augment": "auto"}
        recipe = model.recipe.model_copy(update=update)
        name, path = run.name, str(run.path)
    else:
        recipe, path = model.recipe, str(target)
        name = origin.name if file is None else file.stem
    return Candidate(key, printable(name), printable(path), file, model, recipe, origin, opened.runs_root)


def _with_unique_names(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with unique names: a duplicate is replaced by its target, or else gets its key appended."""
    names = Counter(candidate.name for candidate in candidates)
    targets = Counter(candidate.target for candidate in candidates)

    def unique_name(candidate: Candidate) -> str:
        if names[candidate.name] == 1:
            return candidate.name
        return candidate.target if targets[candidate.target] == 1 else f"{candidate.name} {candidate.key}"

    return [replace(candidate, name=unique_name(candidate)) for candidate in candidates]


def _check_different(first: Candidate, second: Candidate) -> None:
    if first.model is second.model or (first.file is not None and first.file == second.file):
        raise RunError(
            f"{first.key} and {second.key} are both {first.target}, expected different models. Name each model once."
        )


def _check_comparable(first: Candidate, second: Candidate) -> None:
    """Check that two candidates have the same training data, classes, test images and split."""
    for difference, describe, advice in _REQUIREMENTS:
        (first_value, first_text), (second_value, second_text) = describe(first), describe(second)
        if first_value != second_value:
            raise RunError(
                f"{first} and {second} {difference}: {first_text} and {second_text}, expected the same for all models."
                f" {advice}"
            )


def _describe_data(candidate: Candidate) -> tuple[object, str]:
    # Only the source counts: additional images are used in training, and never compared on.
    data = candidate.origin.data.without_added()
    return (
        data.fingerprint,
        f"{printable(data.name)} ({data.images:,} images, {printable(data.fingerprint[:20])})",
    )


def _describe_classes(candidate: Candidate) -> tuple[object, str]:
    names = candidate.model.class_names
    return names, f"{len(names)} ({', '.join(names[:10])})"


def _describe_test_images(candidate: Candidate) -> tuple[object, str]:
    data = candidate.origin.data
    return data.test_fingerprint, f"{data.test_images:,} ({printable(data.test_fingerprint[:20])})"


def _describe_split(candidate: Candidate) -> tuple[object, str]:
    recipe = candidate.model.recipe
    return candidate.origin.split, f"validation = {recipe.validation}, split_seed = {recipe.split_seed}"


_ONE_DATA_SET: Final = "Compare runs of one data set."
_REQUIREMENTS: Final[tuple[tuple[str, Callable[[Candidate], tuple[object, str]], str], ...]] = (
    ("were trained on different data", _describe_data, _ONE_DATA_SET),
    ("have different classes", _describe_classes, _ONE_DATA_SET),
    ("have different test images", _describe_test_images, _ONE_DATA_SET),
    (
        "were trained on different splits",
        _describe_split,
        "Train with the same validation and split_seed, and compare again.",
    ),
)
"""What all candidates must share: the message if it differs, a function for its value and text, and advice."""
