"""Predictions of a split's images, stored in the run folder; every score of a judgement is computed from them.

A file is a safetensors file with the arrays of a Predictions.
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
from optotype.runs.files import damaged_file_error, read_bytes, wrap_os_errors
from optotype.storage.atomic import write_durably

CHUNK: Final = 10_000
"""Number of images that are copied into memory at a time."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits, labels and novelty distances of n images.

    Attributes:
        indices: Index of each image in its data set, sorted int64 of shape (n,).
        labels: True class of each image, int64 of shape (n,).
        logits: Logits in fp32 before calibration, float32 of shape (n, classes).
        distances: Distance of each image from the training images, float32 of shape (n,); None without a novelty
            detector.
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
        labels: True class of each image, in the model's order.
        rows: Indices of the images to predict, sorted int64 of shape (m,), m at least 1.

    Raises:
        ModelError: If a logit is not finite.
    """
    # In chunks, because the images may be mapped from a file larger than the memory.
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    results = [model.logits_and_distances(images[chunk]) for chunk in chunks]
    logits = np.concatenate([chunk_logits for chunk_logits, _ in results])
    distances = [chunk_distances for _, chunk_distances in results if chunk_distances is not None]
    if not np.isfinite(logits).all():
        index = int(rows[np.flatnonzero(~np.isfinite(logits).all(axis=1))[0]])
        raise ModelError(
            f"The model's output for image {index} is not finite, expected finite numbers."
            " Train the model again, with a lower learning rate."
        )
    return Predictions(rows, labels[rows], logits, np.concatenate(distances) if distances else None)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions in one step; RunError if that fails."""
    arrays = {name: value for name, value in vars(predictions).items() if value is not None}
    with wrap_os_errors(path, "write"):
        path.parent.mkdir(exist_ok=True)
        write_durably(path, save({name: np.ascontiguousarray(value) for name, value in arrays.items()}))


def read_predictions(path: Path) -> Predictions:
    """Read predictions that ``write_predictions`` wrote.

    Raises:
        RunError: If the file cannot be read, or has other content.
    """
    try:
        predictions = Predictions(**load(read_bytes(path)))
    except (SafetensorError, TypeError, KeyError) as error:  # KeyError: a dtype that NumPy does not have
        raise damaged_file_error(path, f"has no valid predictions ({error})") from None
    if not _is_consistent(predictions):
        raise damaged_file_error(path, "has arrays that do not fit together")
    return predictions


def _is_consistent(predictions: Predictions) -> bool:
    """Return whether shapes, dtypes and labels are those of predictions of at least one image."""
    logits, distances = predictions.logits, predictions.distances
    n, classes = logits.shape if logits.ndim == 2 else (0, 0)
    integers = (predictions.indices, predictions.labels)
    floats = (logits,) if distances is None else (logits, distances)
    has_shapes = n > 0 and all(array.shape == (n,) for array in (*integers, *floats[1:]))
    has_integers = all(array.dtype == np.int64 for array in integers)
    has_floats = all(array.dtype == np.float32 for array in floats)
    if not (has_shapes and has_integers and has_floats):
        return False
    return bool(predictions.labels.min() >= 0 and predictions.labels.max() < classes)
