"""Comparison of models on the same images: which one is better, by how much, and whether the images suffice to tell.

The default split is validation: test images that were used to choose a model no longer measure it independently.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optotype.comparing.candidates import Candidate, find_candidates
from optotype.comparing.comparison import CandidateResult, Comparison, Disagreement, On, RecipePair
from optotype.comparing.verdicts import MIN_SEEDS, compare_models, compare_recipes
from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from optotype.errors import DataError, unknown_name
from optotype.metrics import proportion
from optotype.models.model import Model
from optotype.runs.origin import reload_data
from optotype.runs.predictions import Predictions, predict_split
from optotype.runs.run import Run
from optotype.text import printable

_MIN_IMAGES: Final = 100
"""A note is added to a comparison on fewer images."""


class _SharedImages(NamedTuple):
    """The images that all models classify: the rows of a split, and the opening if it is the test split."""

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
    """Compare every pair of trained models on the same images.

    Args:
        targets: Two or more runs, models, or paths of either, trained on the same data with the same split. Their
            additional training images may differ.
        on: "validation", or "test": that opens the sealed test split once for all models, which is counted.
        data: The training data, if they were in memory; by default they are loaded from their source.
        runs_root: Folder whose test-openings.jsonl counts the opening; by default the folder that contains the first
            run, or runs/ in the working folder for a model outside a run folder.
        report: Called with the name of each step.

    Returns:
        The accuracy of each model, a verdict about every pair, a verdict about every pair of recipes with several
        seeds, and the images on which the models disagree.

    Raises:
        RunError: If there are fewer than two targets, one is named twice, one did not finish training, or they have
            different data or splits; or if the opening cannot be written to the log.
        ModelError: If a model file is damaged, or does not name its training data.
        DataError: If the training data are missing, were in memory and not passed, or have changed since training; or
            if there are no images to compare on.
    """
    if on not in ("validation", "test"):
        raise DataError(unknown_name("split to compare on", on, ("validation", "test")))
    report_step = report or (lambda _: None)
    report_step("reading the models")
    candidates = find_candidates(targets)
    report_step("loading the data")
    first = candidates[0]
    loaded, split = reload_data(first.origin, first.model.recipe, data, with_added=False)
    if on == "validation":
        shared = _validation_images(loaded, split.validation)
    else:
        shared = _open_test_images(loaded, candidates, Path(runs_root or first.runs_root))
    predictions = []
    for candidate in candidates:
        report_step(f"predicting with {candidate}")
        predictions.append(predict_split(candidate.model, shared.images, shared.labels, shared.rows))
    return _compare_predictions(candidates, loaded, on, shared, predictions)


def _validation_images(data: Dataset, rows: NDArray[np.int64]) -> _SharedImages:
    if len(rows) == 0:
        raise DataError(
            f"The runs have no validation images of {data.name}, expected at least 1 to compare on. Train with"
            ' validation = 0.1, or compare on the test images, which counts as an opening: on="test" (--on test).'
        )
    return _SharedImages(data.images, data.labels, rows, data.files)


def _open_test_images(data: Dataset, candidates: Sequence[Candidate], runs_root: Path) -> _SharedImages:
    if data.test.n == 0:
        raise DataError(
            f"{data.name} has no test images, expected at least 1 to compare on. Compare on validation."
        )
    names = " ".join(candidate.name for candidate in candidates)
    opened = open_test(data, runs_root, by=f"compare {names}")
    rows = np.arange(len(opened.labels))
    return _SharedImages(
        opened.images, opened.labels, rows, data.test.files, opened.opening, opened.fingerprint
    )


def _compare_predictions(
    candidates: Sequence[Candidate],
    data: Dataset,
    on: On,
    shared: _SharedImages,
    predictions: Sequence[Predictions],
) -> Comparison:
    labels = shared.labels[shared.rows]
    is_correct = {
        candidate.key: of_model.logits.argmax(axis=1) == labels
        for candidate, of_model in zip(candidates, predictions, strict=True)
    }
    results = tuple(_result(candidate, is_correct[candidate.key]) for candidate in candidates)
    recipes, repeats = compare_recipes(results, [candidate.recipe for candidate in candidates])
    return Comparison(
        data=printable(data.name),
        on=on,
        n=len(labels),
        candidates=results,
        pairs=compare_models(is_correct),
        recipes=recipes,
        notes=(*_notes(candidates, on, len(labels)), *repeats, *_note_on_seeds(recipes)),
        disagreements=_disagreements(candidates, shared, predictions),
        opening=shared.opening,
        test_fingerprint=shared.fingerprint,
        images=shared.images,
    )


def _result(candidate: Candidate, is_correct: NDArray[np.bool_]) -> CandidateResult:
    recipe, data, n = candidate.model.recipe, candidate.origin.data, len(is_correct)
    return CandidateResult(
        candidate.key,
        candidate.name,
        recipe.name,
        recipe.seed,
        n,
        proportion(int(is_correct.sum()), n),
        trained_on=data.fingerprint,
        added=data.added,
    )


def _notes(candidates: Sequence[Candidate], on: On, n: int) -> list[str]:
    notes = []
    if n < _MIN_IMAGES:
        notes.append(f"n = {n} is small: only a large difference can be detected.")
    stopped = [candidate.key for candidate in candidates if candidate.model.recipe.early_stopping]
    if on == "validation" and stopped:
        notes.append(
            f"Early stopping used validation images in the training of {', '.join(stopped)}, so accuracy on them is"
            " biased upwards. Accuracy on test images is not."
        )
    if len({candidate.origin.data.fingerprint for candidate in candidates}) > 1:
        added = [f"{candidate.key} {candidate.origin.data.added:,}" for candidate in candidates]
        notes.append(
            f"The models were trained with different additional images: {', '.join(added)}. The verdicts include the"
            " effect of these images."
        )
    n_pairs = len(candidates) * (len(candidates) - 1) // 2
    if n_pairs > 1:
        notes.append(
            f"The verdicts about models are corrected for {n_pairs} pairs (Holm); their intervals are not."
        )
    return notes


def _note_on_seeds(recipes: Sequence[RecipePair]) -> list[str]:
    """Return a note that the verdicts are about models, if there is no verdict about recipes."""
    if recipes:
        return []
    scope = "The verdicts are about these trained models; another seed gives other models."
    return [f"{scope} For a verdict about recipes, compare at least {MIN_SEEDS} seeds of each."]


def _disagreements(
    candidates: Sequence[Candidate], shared: _SharedImages, predictions: Sequence[Predictions]
) -> tuple[Disagreement, ...]:
    predicted = np.stack([of_model.logits.argmax(axis=1) for of_model in predictions])
    columns = np.flatnonzero((predicted != predicted[0]).any(axis=0))
    confidence = [
        candidate.model.probabilities(of_model.logits[columns]).max(axis=1)
        for candidate, of_model in zip(candidates, predictions, strict=True)
    ]
    class_names = candidates[0].model.class_names
    files = shared.files
    return tuple(
        Disagreement(
            index=int(row),
            label=class_names[int(shared.labels[row])],
            file=None if files is None else printable(files[row]),
            predicted=tuple(class_names[int(label)] for label in predicted[:, column]),
            probability=tuple(round(float(of_model[number]), 6) for of_model in confidence),
        )
        for number, (column, row) in enumerate(zip(columns, shared.rows[columns], strict=True))
    )
