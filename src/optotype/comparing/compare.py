"""Comparing models on the same images: which is better, by how much, and whether these images can tell.

On validation by default: whoever chooses by the test images has no test images left.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optotype.comparing.candidates import Candidate, find_candidates
from optotype.comparing.comparison import CandidateResult, Comparison, Disagreement, On, RecipePair
from optotype.comparing.verdicts import SEEDS, compare_models, compare_recipes
from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from optotype.errors import DataError, unknown_name
from optotype.metrics import proportion
from optotype.models.model import Model
from optotype.runs.origin import reload_data
from optotype.runs.predictions import Predictions, predict_split
from optotype.runs.run import Run
from optotype.text import printable

_SMALL: Final = 100
"""Images below which a comparison is said to rest on few."""


class _Shown(NamedTuple):
    """The images that all models are shown."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    files: tuple[str, ...] | None
    opening: int | None = None
    fingerprint: str = ""


def compare(
    *targets: Run | Model | str | Path,
    on: On = "validation",
    data: Dataset | None = None,
    runs_root: str | Path | None = None,
    report: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare trained models on the same images, each two of them.

    Args:
        targets: Two or more runs, models, or paths of either, trained on the same data with the same split, be it with
            other pictures added or none.
        on: "validation", or "test": that opens the sealed test split, which is counted, once for all of them.
        data: What the models were trained on, where that was in memory; by default it is loaded from where it came.
        runs_root: Folder whose test-openings.jsonl counts the opening; by default the one that holds the first run, or
            runs/ in the working folder for a model that is in no run folder.
        report: Called with what is being done, now and then.

    Returns:
        How good each model is, a verdict about each two, one about each two recipes that were given with several seeds,
        and the images on which they differ.

    Raises:
        RunError: Fewer than two targets, one twice, one that did not end well, or runs of different data or splits; or
            the opening cannot be written down.
        ModelError: A model file is damaged, or does not say what it was trained on.
        DataError: The data are gone, were in memory and not given, or are no longer what the models were trained on; or
            there are no images to compare on.
    """
    if on not in ("validation", "test"):
        raise DataError(unknown_name("split to compare on", on, ("validation", "test")))
    say = report or (lambda _: None)
    say("reading the models")
    entrants = find_candidates(targets)
    say("loading the data")
    first = entrants[0]
    loaded, split = reload_data(first.origin, first.model.recipe, data, with_added=False)
    if on == "validation":
        images = _validation(loaded, split.validation)
    else:
        images = _test(loaded, entrants, Path(runs_root or first.runs_root))
    said = []
    for entrant in entrants:
        say(f"asking {entrant}")
        said.append(predict_split(entrant.model, images.images, images.labels, images.rows))
    return _compared(entrants, loaded, on, images, said)


def _validation(data: Dataset, rows: NDArray[np.int64]) -> _Shown:
    if len(rows) == 0:
        raise DataError(
            f"The runs kept no image of {data.name} for validation, expected some to compare on. Train with"
            ' validation = 0.1, or compare on the test images, which counts as an opening: on="test" (--on test).'
        )
    return _Shown(data.images, data.labels, rows, data.files)


def _test(data: Dataset, entrants: Sequence[Candidate], runs_root: Path) -> _Shown:
    if data.test.n == 0:
        raise DataError(
            f"{data.name} has no test images, expected some to compare on. Compare on validation."
        )
    opened = open_test(data, runs_root, by=f"compare {' '.join(each.name for each in entrants)}")
    rows = np.arange(len(opened.labels))
    return _Shown(opened.images, opened.labels, rows, data.test.files, opened.opening, opened.fingerprint)


def _compared(
    entrants: Sequence[Candidate], data: Dataset, on: On, images: _Shown, said: Sequence[Predictions]
) -> Comparison:
    labels = images.labels[images.rows]
    right = {
        entrant.key: each.logits.argmax(axis=1) == labels
        for entrant, each in zip(entrants, said, strict=True)
    }
    contestants = tuple(_contestant(entrant, right[entrant.key]) for entrant in entrants)
    recipes, twins = compare_recipes(contestants, [each.recipe for each in entrants])
    return Comparison(
        data=printable(data.name),
        on=on,
        n=len(labels),
        contestants=contestants,
        pairs=compare_models(right),
        recipes=recipes,
        notes=(*_notes(entrants, on, len(labels)), *twins, *_on_recipes(recipes)),
        disagreements=_disagreements(entrants, images, said),
        opening=images.opening,
        test_fingerprint=images.fingerprint,
        images=images.images,
    )


def _contestant(entrant: Candidate, right: NDArray[np.bool_]) -> CandidateResult:
    recipe = entrant.model.recipe
    accuracy = proportion(int(right.sum()), len(right))
    data = entrant.origin.data
    return CandidateResult(
        entrant.key,
        entrant.name,
        recipe.name,
        recipe.seed,
        len(right),
        accuracy,
        trained_on=data.fingerprint,
        added=data.added,
    )


def _notes(entrants: Sequence[Candidate], on: On, n: int) -> list[str]:
    notes = []
    if n < _SMALL:
        notes.append(f"{n} images are few: only a large difference can be seen on them.")
    stopped = [each.key for each in entrants if each.model.recipe.early_stopping]
    if on == "validation" and stopped:
        notes.append(
            f"The training of {', '.join(stopped)} was stopped by how well it did on validation images, which flatters"
            " it on them. The test images are free of that."
        )
    if len({each.origin.data.fingerprint for each in entrants}) > 1:
        added = [f"{each.key} {each.origin.data.added:,}" for each in entrants]
        notes.append(
            f"Not all were trained on the same images; pictures that were added to those of the data set:"
            f" {', '.join(added)}. A verdict is about these too."
        )
    pairs = len(entrants) * (len(entrants) - 1) // 2
    if pairs > 1:
        notes.append(
            f"The verdicts about models are corrected for their number, {pairs} (Holm); their intervals are not."
        )
    return notes


def _on_recipes(recipes: Sequence[RecipePair]) -> list[str]:
    """Say what verdicts about models are not, where nothing is said of recipes."""
    if recipes:
        return []
    about = "A verdict about models is about these, as they were trained; another seed gives others."
    return [f"{about} For one about recipes, compare at least {SEEDS} seeds of each."]


def _disagreements(
    entrants: Sequence[Candidate], images: _Shown, said: Sequence[Predictions]
) -> tuple[Disagreement, ...]:
    predicted = np.stack([each.logits.argmax(axis=1) for each in said])
    places = np.flatnonzero((predicted != predicted[0]).any(axis=0))
    sure = [
        entrant.model.probabilities(each.logits[places]).max(axis=1)
        for entrant, each in zip(entrants, said, strict=True)
    ]
    class_names = entrants[0].model.class_names
    files = images.files
    return tuple(
        Disagreement(
            index=int(row),
            label=class_names[int(images.labels[row])],
            file=None if files is None else printable(files[row]),
            predicted=tuple(class_names[int(each)] for each in predicted[:, place]),
            probability=tuple(round(float(each[number]), 6) for each in sure),
        )
        for number, (place, row) in enumerate(zip(places, images.rows[places], strict=True))
    )
