"""What a model said of every image of a split, kept in the run folder: everything that is judged rests on it.

A file is a safetensors file of the arrays of a Predictions.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from optotype.errors import ModelError
from optotype.models.model import Model
from optotype.runs.files import damaged, read_bytes, wrap_os_errors
from optotype.storage.atomic import write_durably

CHUNK: Final = 10_000
"""Images that are copied into memory at a time."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said of some images.

    Attributes:
        indices: Where each image stands in what it was taken from, sorted int64 of shape (n,).
        labels: The class of each, int64 of shape (n,).
        logits: float32 of shape (n, classes), in fp32 and before calibration.
        distances: How unlike the training images each is, float32 of shape (n,); None where the model cannot tell.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    distances: NDArray[np.float32] | None = None


def predict_split(
    model: Model, images: NDArray[np.uint8], labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> Predictions:
    """Predict some of the images of a split.

    Args:
        model: The model.
        images: uint8 of shape (n, height, width, channels), of the model's shape.
        labels: The class of each, in the model's order.
        rows: Which images, sorted int64 of shape (m,), m at least 1.

    Raises:
        ModelError: If a logit is not finite.
    """
    # In chunks: the images may be mapped from a file larger than the memory.
    pieces = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    answers = [model.logits_and_distances(images[piece]) for piece in pieces]
    logits = np.concatenate([each for each, _ in answers])
    distances = [each for _, each in answers if each is not None]
    if not np.isfinite(logits).all():
        place = int(rows[np.flatnonzero(~np.isfinite(logits).all(axis=1))[0]])
        raise ModelError(
            f"The model's output for image {place} is not finite, expected numbers."
            " Train the model again, with a lower learning rate."
        )
    return Predictions(rows, labels[rows], logits, np.concatenate(distances) if distances else None)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions in one step; RunError where that is impossible."""
    arrays = {name: value for name, value in vars(predictions).items() if value is not None}
    with wrap_os_errors(path, "write"):
        path.parent.mkdir(exist_ok=True)
        write_durably(path, save({name: np.ascontiguousarray(value) for name, value in arrays.items()}))


def read_predictions(path: Path) -> Predictions:
    """Read what ``write_predictions`` wrote.

    Raises:
        RunError: The file cannot be read, or holds something else.
    """
    try:
        found = Predictions(**load(read_bytes(path)))
    except (SafetensorError, TypeError, KeyError) as error:  # KeyError: of a type that NumPy lacks
        raise damaged(path, f"holds no predictions ({error})") from None
    if not _belong_together(found):
        raise damaged(path, "holds arrays that do not belong together")
    return found


def _belong_together(said: Predictions) -> bool:
    """Say whether shapes, types and labels are those of predictions of at least one image."""
    n, classes = said.logits.shape if said.logits.ndim == 2 else (0, 0)
    whole = (said.indices, said.labels)
    real = (said.logits,) if said.distances is None else (said.logits, said.distances)
    alike = all(each.shape == (n,) for each in (*whole, *real[1:])) and n > 0
    typed = all(each.dtype == np.int64 for each in whole) and all(each.dtype == np.float32 for each in real)
    return bool(alike and typed and said.labels.min() >= 0 and said.labels.max() < classes)
