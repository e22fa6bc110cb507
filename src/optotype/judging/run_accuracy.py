"""The accuracy of a run on its validation and test images, and the number of openings of its test set."""

from dataclasses import dataclass

from optotype.data.openings import read_openings
from optotype.errors import RunError
from optotype.judging.judgement_formats import read_judgement
from optotype.metrics import Estimate, proportion
from optotype.runs.run import Run


@dataclass(frozen=True)
class RunAccuracy:
    """The accuracy of a run.

    Attributes:
        validation: Accuracy of the model on the validation images that were monitored in training (Wilson); None
            without validation images or without a saved model.
        test: Accuracy on the test images (Wilson); None before judging.
        openings: How often the run's test set was opened, by any run or command, as counted in the folder of the run.
        note: Why a saved judgement gives no test accuracy, in one sentence; otherwise empty.
    """

    validation: Estimate | None
    test: Estimate | None
    openings: int
    note: str


def run_accuracy(run: Run) -> RunAccuracy:
    """Return the accuracy of a run.

    Raises:
        RunError: If a file of the run is damaged, or its openings cannot be read.
        ModelError: If its model file is damaged.
    """
    openings = len(read_openings(run.data.test_fingerprint, run.path.resolve().parent))
    test, note = None, ""
    try:
        saved = run.judgement
        test = None if saved is None else read_judgement(saved).score.accuracy
    except RunError as error:
        note = str(error)
    return RunAccuracy(_validation_accuracy(run), test, openings, note)


def n_validation_images(run: Run) -> int:
    """Return the number of validation images that were monitored in training, as the model file has it."""
    n = run.model.provenance.validation_images
    return len(run.split.validation) if n is None else n


def _validation_accuracy(run: Run) -> Estimate | None:
    if not run.epochs or not run.model_path.exists():
        return None
    epoch, n = run.model.provenance.epoch, n_validation_images(run)
    if epoch is None or not 1 <= epoch <= len(run.epochs):
        raise RunError(
            f"The model of {run.path} is from epoch {epoch}, expected 1 to {len(run.epochs)}."
            " Restore the run from a copy, or train again."
        )
    accuracy = run.epochs[epoch - 1].val_accuracy
    if accuracy is None:
        return None
    if n < 1 or not 0 <= accuracy <= 1:
        raise RunError(
            f"The run {run.path} has an accuracy of {accuracy} on {n} validation images in epoch {epoch}, expected 0"
            " to 1 on at least one image. Restore the run from a copy, or train again."
        )
    return proportion(round(accuracy * n), n)
