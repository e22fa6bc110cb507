"""The served model with its fingerprint, run and accuracy, as one value; a reload creates another one."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.pictures.decode import Fit
from optotype.data.pictures.digits import SHAPE as DIGIT_SHAPE
from optotype.data.pictures.digits import fit_digit
from optotype.errors import ModelError, OptotypeError, RunError
from optotype.judging.run_accuracy import n_validation_images, run_accuracy
from optotype.metrics import Estimate
from optotype.models.model import Model
from optotype.runs.run import Run
from optotype.runs.targets import open_target
from optotype.text import printable

_DIGIT_CLASSES: Final = tuple("0123456789")


@dataclass(frozen=True)
class Accuracy:
    """The model's measured accuracy.

    Attributes:
        split: The split it was measured on.
        estimate: The accuracy with its 95 % interval.
        n: The number of images.
    """

    split: Literal["test", "validation"]
    estimate: Estimate
    n: int


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model that is served.

    Attributes:
        model: The model; only the batcher's thread may use its network.
        fingerprint: "sha256:" and the hash of its file; every response contains it.
        run: Name of its run; None for a model file alone.
        accuracy: Its accuracy; None if unknown, for example for a model of another run.
    """

    model: Model
    fingerprint: str
    run: str | None
    accuracy: Accuracy | None

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The ways in which image files can be brought to the model's input shape."""
        return ("stretch", "digit") if self.model.input_shape == DIGIT_SHAPE else ("stretch",)

    @property
    def source(self) -> str | None:
        """The SOURCE from which `optotype train` loads the training data; None if it was in memory only."""
        data = self.model.provenance.data
        return None if data is None or data.source == ARRAYS else data.source

    @property
    def drawing_fit(self) -> Fit:
        """The best fit for drawings: "digit", MNIST's preprocessing, for models of the ten digits."""
        return "digit" if "digit" in self.fits and self.model.class_names == _DIGIT_CLASSES else "stretch"


def load_served_model(target: Path) -> ServedModel:
    """Load the model to serve, and predict once, so that the first request does not wait for one-time work.

    Args:
        target: A run folder or a model file.

    Raises:
        RunError: If the target does not exist or is damaged.
        ModelError: If the model file is damaged, or changed while it was read.
    """
    opened = open_target(target)
    path = opened.model_path or target
    fingerprint = _hash_file(path)
    # The model is read here for the first time, so that both hashes are of the bytes that were read.
    model, run = opened.model, opened.run
    if _hash_file(path) != fingerprint:
        raise ModelError(f"{path} changed while it was read. Wait until it is written, then try again.")
    if run is not None:
        served = ServedModel(model, fingerprint, printable(run.name), _read_accuracy(run, model))
    else:
        served = ServedModel(model, fingerprint, None, None)
    _warm_up(served)
    return served


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Expected a model file.") from None


def _read_accuracy(run: Run, model: Model) -> Accuracy | None:
    """Return the accuracy of a run's model; None if it cannot be read, which does not prevent serving."""
    with suppress(RunError, ModelError):
        if not _is_from_run(run, model):
            return None
        accuracy = run_accuracy(run)
        if accuracy.test is not None:
            return Accuracy("test", accuracy.test, run.data.test_images)
        validation_images = n_validation_images(run)
        if accuracy.validation is not None:
            return Accuracy("validation", accuracy.validation, validation_images)
    return None


def _is_from_run(run: Run, model: Model) -> bool:
    """Return whether a run trained the model in its folder; another model may have been put there to be served."""
    provenance = model.provenance
    return (provenance.created, provenance.split, model.recipe) == (
        run.created,
        run.split.fingerprint,
        run.recipe,
    )


def _warm_up(served: ServedModel) -> None:
    """Predict and fit a digit once: the first use builds the network and imports SciPy."""
    served.model.predict(np.zeros((1, *served.model.input_shape), np.uint8))
    if "digit" in served.fits:
        with suppress(OptotypeError):
            fit_digit(np.pad(np.full((20, 4), 255, np.uint8), 12))
