"""What is served: a model with all that goes with it, as one thing; a reload makes another."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.pictures.decode import Fit
from optotype.data.pictures.digits import fit_digit
from optotype.errors import ModelError, OptotypeError, RunError
from optotype.judging.run_accuracy import n_validation_images, run_accuracy
from optotype.metrics import Estimate
from optotype.models.model import Model
from optotype.runs.origin import find
from optotype.runs.run import Run
from optotype.text import printable

_DIGIT: Final = (28, 28, 1)
_DIGITS: Final = tuple("0123456789")


@dataclass(frozen=True)
class Accuracy:
    """How often the model was right, as far as it was measured.

    Attributes:
        split: On which images.
        estimate: The share, with its interval.
        n: How many they were.
    """

    split: Literal["test", "validation"]
    estimate: Estimate
    n: int


@dataclass(frozen=True, eq=False)
class Served:
    """A model as it is served.

    Attributes:
        model: The model; its network belongs to the one thread that gathers predictions.
        fingerprint: "sha256:" and the hash of its file; every answer tells it.
        run: Name of the run that it comes from; None for a model file alone.
        accuracy: How often it was right; None where that is not known, as of a model that another run made.
    """

    model: Model
    fingerprint: str
    run: str | None
    accuracy: Accuracy | None

    @property
    def fits(self) -> tuple[Fit, ...]:
        """How pictures can be brought to the model's shape."""
        return ("stretch", "digit") if self.model.input_shape == _DIGIT else ("stretch",)

    @property
    def source(self) -> str | None:
        """What `optotype train` takes to get the training data again; None where they were in memory only."""
        data = self.model.provenance.get("data")
        source = data.get("source") if isinstance(data, dict) else None
        return None if source in (None, ARRAYS) else str(source)

    @property
    def drawing_fit(self) -> Fit:
        """How drawings are best brought to it: a model of digits takes them as MNIST's were."""
        return "digit" if "digit" in self.fits and self.model.class_names == _DIGITS else "stretch"


def load_served(target: Path) -> Served:
    """Load what is to be served, and predict once, so that the first request does not wait for what is made then.

    Args:
        target: A run folder or a model file.

    Raises:
        RunError: There is nothing there, or it is damaged.
        ModelError: The model file is damaged, or changed while it was read.
    """
    found = find(target)
    path = found.model_path if isinstance(found, Run) else target
    before = _hash(path)
    # A run that was just opened reads its model now, and so once.
    model = found.model if isinstance(found, Run) else Model.load(path)
    if _hash(path) != before:
        raise ModelError(f"{path} changed while it was read. Wait until it is written, then try again.")
    if isinstance(found, Run):
        served = Served(model, before, printable(found.name), _accuracy(found, model))
    else:
        served = Served(model, before, None, None)
    _warm(served)
    return served


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Expected a model file.") from None


def _accuracy(run: Run, model: Model) -> Accuracy | None:
    """Read how often a run's model was right; a run of which that cannot be read is served all the same."""
    with suppress(RunError, ModelError):
        if not _made(run, model):
            return None
        stands = run_accuracy(run)
        if stands.test is not None:
            return Accuracy("test", stands.test, run.data.test_images)
        watched = n_validation_images(run)
        if stands.validation is not None and isinstance(watched, int):
            return Accuracy("validation", stands.validation, watched)
    return None


def _made(run: Run, model: Model) -> bool:
    """Tell whether a run made the model in its folder: another may have been put there to be served."""
    told = model.provenance
    return (told.get("created"), told.get("split"), model.recipe) == (
        run.created,
        run.split.fingerprint,
        run.recipe,
    )


def _warm(served: Served) -> None:
    """Predict and fit once: the network is built, and SciPy imported, when first used."""
    served.model.predict(np.zeros((1, *served.model.input_shape), np.uint8))
    if "digit" in served.fits:
        with suppress(OptotypeError):
            fit_digit(np.pad(np.full((20, 4), 255, np.uint8), 12))
