"""How a run stands: what is known of its accuracy, and how often its test set was looked at."""

from dataclasses import dataclass

from pydantic import JsonValue

from optotype.data.openings import read_openings
from optotype.errors import RunError
from optotype.judging.judgement import read_judgement
from optotype.metrics import Estimate, proportion
from optotype.runs.run import Run


@dataclass(frozen=True)
class RunAccuracy:
    """How a run stands.

    Attributes:
        validation: Accuracy of its model on the validation images that were watched in training (Wilson); None without
            any, and where no model was kept.
        test: Accuracy on the test images (Wilson); None before judging.
        openings: How often its test set was opened, by whatever run or command, as counted beside the run.
        note: Why there is no test accuracy though a judgement was kept, in a sentence; else empty.
    """

    validation: Estimate | None
    test: Estimate | None
    openings: int
    note: str


def run_accuracy(run: Run) -> RunAccuracy:
    """Say how a run stands.

    Raises:
        RunError: A file of the run is damaged, or its openings cannot be read.
        ModelError: Its model file is damaged.
    """
    openings = len(read_openings(run.data.test_fingerprint, run.path.resolve().parent))
    test, note = None, ""
    try:
        kept = run.judgement
        test = None if kept is None else read_judgement(kept).score.accuracy
    except RunError as error:
        note = str(error)
    return RunAccuracy(_validation(run), test, openings, note)


def images_watched(run: Run) -> JsonValue:
    """Say on how many validation images the accuracy is that a run's model tells of, as its file has it."""
    return run.model.provenance.get("watched", len(run.split.validation))


def _validation(run: Run) -> Estimate | None:
    if not run.epochs or not run.model_path.exists():
        return None
    told = run.model.provenance
    number, n = told.get("epoch"), images_watched(run)
    if not isinstance(number, int) or not 1 <= number <= len(run.epochs):
        raise RunError(
            f"The model of {run.path} says that it is of epoch {number}, expected 1 to {len(run.epochs)}."
            " Restore it from a copy, or train again."
        )
    accuracy = run.epochs[number - 1].val_accuracy
    if accuracy is None:
        return None
    if not isinstance(n, int) or n < 1 or not 0 <= accuracy <= 1:
        raise RunError(
            f"The run {run.path} has an accuracy of {accuracy} on {n} validation images in epoch {number}, expected 0"
            " to 1 on at least one. Restore it from a copy, or train again."
        )
    return proportion(round(accuracy * n), n)
