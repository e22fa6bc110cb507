"""What a model says of images: the one place where judging asks it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.errors import ModelError
from optotype.models.model import Model
from optotype.runs.predictions import Predictions

_AT_ONCE: Final = 10_000
"""Images that are copied into memory at a time."""


def examine(
    model: Model, images: NDArray[np.uint8], labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> Predictions:
    """Ask a model about some images.

    Args:
        model: Whom to ask.
        images: uint8 of shape (n, height, width, channels), of the model's shape.
        labels: The class of each, in the model's order.
        rows: Which of them to show it, sorted int64 of shape (m,), m at least 1.

    Raises:
        ModelError: It answers with something that is no number.
    """
    # Picked bit by bit: the images may be mapped from a file larger than the memory.
    pieces = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
    answers = [model.examine(images[piece]) for piece in pieces]
    logits = np.concatenate([each for each, _ in answers])
    distances = [each for _, each in answers if each is not None]
    if not np.isfinite(logits).all():
        place = int(rows[np.flatnonzero(~np.isfinite(logits).all(axis=1))[0]])
        raise ModelError(
            f"The model's output for image {place} is not finite, expected numbers."
            " Train the model again, with a lower learning rate."
        )
    return Predictions(rows, labels[rows], logits, np.concatenate(distances) if distances else None)
