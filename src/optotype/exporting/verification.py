"""An export says what its model says, on images that it is asked about before it is kept; or it is refused."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.errors import DataError, ExportError, ModelError, RunError
from optotype.models.model import Model
from optotype.runs.origin import read_origin, reload_data

Batches = Iterable[NDArray[np.uint8]]
Answers = Iterator[NDArray[np.float32]]

LARGEST_DIFFERENCE: Final = 1e-4
"""By how much a probability may differ."""
TIE: Final = 1e-5
"""Two best logits that are nearer than this may change places."""
MOST_TRAINING: Final = 5_000
"""Training images that are asked about where none were kept for validation."""

_AT_ONCE: Final = 256
_NAMED: Final = 8


@dataclass(frozen=True, eq=False)
class Trial:
    """Images that an export is asked about.

    Attributes:
        images: uint8 array of shape (n, height, width, channels).
        rows: Which of them, int64.
        name: What they are: "validation images".
        reason: Why they are no validation images, or "".
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    name: str
    reason: str = ""


@dataclass(frozen=True)
class Verification:
    """What a verification that was passed came to.

    Attributes:
        n: How many images were asked about.
        images: What they are: "validation images", "training images", "golden images" or "made images".
        reason: Why they are no validation images, or "".
        difference: The largest difference in a probability.
    """

    n: int
    images: str
    reason: str
    difference: float


def trial_of(model: Model, data: Dataset | None = None) -> Trial:
    """Find the images to ask about: the whole validation split where the data can be loaded, else golden or made ones.

    Args:
        model: The model that is exported.
        data: What it was trained on, where the caller has it; None to load it from where it came.

    Raises:
        DataError: The data were given, and are not those of the training.
        ModelError: They were given, and the model does not say what it was trained on.
        RunError: They were given, and the model's training did not end well, or its split comes out otherwise.
    """
    try:
        loaded, split = reload_data(read_origin(model), model.recipe, data, with_added=False)
    except (DataError, ModelError, RunError) as error:
        if data is not None:
            raise
        golden = model.golden
        images, name = (
            (made_images(model.input_shape), "made images")
            if golden is None
            else (golden.images, "golden images")
        )
        return Trial(images, np.arange(len(images)), name, str(error))
    if len(split.validation):
        return Trial(loaded.images, split.validation, "validation images")
    reason = "The recipe kept none for validation."
    return Trial(loaded.images, split.train[:MOST_TRAINING], "training images", reason)


def made_images(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Make 32 images that differ widely: even ones, noise of high and low contrast, sparse dots, slopes.

    Args:
        shape: (height, width, channels).

    Returns:
        uint8 array of shape (32, *shape), always the same for a shape.
    """
    rng = np.random.default_rng(0)
    even = np.broadcast_to(np.array([0, 85, 170, 255]).reshape(4, 1, 1, 1), (4, *shape))
    noise = rng.integers(0, 256, (8, *shape))
    faint = rng.integers(100, 140, (4, *shape))
    dots = 255 * (rng.random((8, *shape)) < 0.15)
    rows, columns = np.linspace(0, 1, shape[0])[:, None, None], np.linspace(0, 1, shape[1])[:, None]
    tilts = rng.uniform(-1, 1, (8, 2, 1, 1, shape[2]))
    slopes = 127.5 + 127.5 * np.tanh(4 * (tilts[:, 0] * (rows - 0.5) + tilts[:, 1] * (columns - 0.5)))
    return np.concatenate([even, noise, faint, dots, slopes]).astype(np.uint8)


def verify(model: Model, trial: Trial, predict: Callable[[Batches], Answers]) -> Verification:
    """Ask an export about images, and hold its answers against the model's, both in fp32.

    Args:
        model: The model.
        trial: The images.
        predict: Gives the export's float32 probabilities, of shape (n, classes), for each batch of uint8 images.

    Returns:
        On how many images it was verified, and the largest difference.

    Raises:
        ExportError: A probability differs by more than 1e-4, or a label whose logit leads by at least 1e-5; the
            message names the images and the difference.
    """
    pieces = [trial.rows[start : start + _AT_ONCE] for start in range(0, len(trial.rows), _AT_ONCE)]
    wrong: list[int] = []
    largest = 0.0
    answers = predict(trial.images[piece] for piece in pieces)
    for piece, theirs in zip(pieces, answers, strict=True):
        differences, differs = _compare(model, trial.images[piece], theirs)
        # Not the built-in max, which may pass over NaN.
        largest = float(np.maximum(largest, differences.max()))
        wrong += piece[differs].tolist()
    if wrong:
        named = ", ".join(map(str, wrong[:_NAMED])) + (", ..." if len(wrong) > _NAMED else "")
        raise ExportError(
            f"The exported file says other than the model on {len(wrong):,} of {len(trial.rows):,} {trial.name}"
            f" ({named}): probabilities differ by up to {largest:.2g}, expected at most {LARGEST_DIFFERENCE:g} and"
            " the same labels. Nothing was kept. Choose another format, or another version of its software."
        )
    return Verification(len(trial.rows), trial.name, trial.reason, largest)


def _compare(
    model: Model, images: NDArray[np.uint8], theirs: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give by how much each image's probabilities differ, and whether that is too much."""
    ours, logits = model.predict_proba(images), model.logits(images)
    if theirs.shape != ours.shape:
        raise ExportError(
            f"The exported file answers with an array of shape {theirs.shape}, expected {ours.shape}."
            " Nothing was kept. Choose another format, or another version of its software."
        )
    differences = np.abs(theirs.astype(np.float64) - ours).max(axis=1)
    best = np.sort(logits.astype(np.float64), axis=1)[:, -2:]
    tied = best[:, -1] - best[:, 0] < TIE
    relabelled = (theirs.argmax(axis=1) != ours.argmax(axis=1)) & ~tied
    # Written so that NaN counts as different.
    return differences, ~(differences <= LARGEST_DIFFERENCE) | relabelled
