"""Who takes part in a comparison: found, held against one another, named; what cannot be compared is refused.

Nothing is predicted and no test set opened before all of this has gone well.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optotype.errors import RunError
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.runs.origin import Origin
from optotype.runs.run import Run
from optotype.runs.targets import open_target
from optotype.text import printable


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that takes part.

    Attributes:
        key: "A" for the first, and so on.
        name: Of its run or file; no two have the same.
        given: What was given for it, in words.
        file: Its model file; None for a model in memory.
        model: The model.
        recipe: How it was trained, as it was asked for: where the run chose the augmentation itself, "auto".
        origin: Where it comes from.
        runs_root: The folder that its openings of the test set are counted in.
    """

    key: str
    name: str
    given: str
    file: Path | None
    model: Model
    recipe: Recipe
    origin: Origin
    runs_root: Path

    def __str__(self) -> str:
        return f"{self.key} ({self.name})"


def find_candidates(targets: Sequence[Run | Model | str | Path]) -> tuple[Candidate, ...]:
    """Find the models that are to be compared.

    Args:
        targets: Runs, models, or paths of either; at least two, all of one data set and split, whatever pictures were
            added to it for training.

    Raises:
        RunError: There are fewer than two, two are the same, one did not end well, or they were trained on different
            data or splits.
        ModelError: A model file is damaged, or does not say what it was trained on.
    """
    if len(targets) < 2:
        raise RunError(
            f"{len(targets) or 'No'} target was given to be compared, expected at least two run folders or model"
            " files. Name another."
        )
    found = [_find(target, key_of(place)) for place, target in enumerate(targets)]
    for place, entrant in enumerate(found):
        for other in found[:place]:
            _check_another(other, entrant)
            _check_alike(other, entrant)
    return tuple(_named(found))


def key_of(place: int) -> str:
    """Give the letters for a place: A to Z, then AA, AB and so on."""
    before, letter = divmod(place, 26)
    return (key_of(before - 1) if before else "") + chr(ord("A") + letter)


def _find(target: Run | Model | str | Path, key: str) -> Candidate:
    opened = open_target(target)
    origin, model, run = opened.origin(), opened.model, opened.run
    file = opened.model_path and opened.model_path.resolve()
    if run is not None:
        # The choice of "auto" may change with the seed; the recipe is the same.
        update = {} if run.augment_choice is None else {"augment": "auto"}
        recipe = model.recipe.model_copy(update=update)
        name, path = run.name, str(run.path)
    else:
        recipe, path = model.recipe, str(target)
        name = origin.name if file is None else file.stem
    return Candidate(key, printable(name), printable(path), file, model, recipe, origin, opened.runs_root)


def _named(entrants: Sequence[Candidate]) -> list[Candidate]:
    """Call those by what was given for them that would have the same name; and by their key too, if that is no help."""
    names = Counter(each.name for each in entrants)
    given = Counter(each.given for each in entrants)
    return [
        each
        if names[each.name] == 1
        else replace(each, name=each.given if given[each.given] == 1 else f"{each.name} {each.key}")
        for each in entrants
    ]


def _check_another(one: Candidate, other: Candidate) -> None:
    if one.model is other.model or (one.file is not None and one.file == other.file):
        raise RunError(
            f"{one.key} and {other.key} are both {one.given}, expected different models. Name each once."
        )


def _check_alike(one: Candidate, other: Candidate) -> None:
    """Refuse two that do not have the same training and test images, classes, and split, saying how they differ."""
    for what, tell, advice in (
        ("were trained on different data", _data, "Compare runs of one data set."),
        ("know different classes", _classes, "Compare runs of one data set."),
        ("have different test images", _test, "Compare runs of one data set."),
        (
            "were trained on different splits",
            _split,
            "Train with the same validation and split_seed, and compare again.",
        ),
    ):
        (here, said_here), (there, said_there) = tell(one), tell(other)
        if here != there:
            raise RunError(
                f"{one} and {other} {what}: {said_here}, and {said_there}, expected the same for all. {advice}"
            )


def _data(entrant: Candidate) -> tuple[object, str]:
    # Of the source alone: what is added to it only trains, and none of the images that are compared on.
    data = entrant.origin.data.without_added()
    return (
        data.fingerprint,
        f"{printable(data.name)} ({data.images:,} images, {printable(data.fingerprint[:20])})",
    )


def _classes(entrant: Candidate) -> tuple[object, str]:
    names = entrant.model.class_names
    return names, f"{len(names)} ({', '.join(names[:10])})"


def _test(entrant: Candidate) -> tuple[object, str]:
    data = entrant.origin.data
    return data.test_fingerprint, f"{data.test_images:,} ({printable(data.test_fingerprint[:20])})"


def _split(entrant: Candidate) -> tuple[object, str]:
    recipe = entrant.model.recipe
    return entrant.origin.split, f"validation = {recipe.validation}, split_seed = {recipe.split_seed}"
