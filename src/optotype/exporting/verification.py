"""Verification of exports: a file is only saved if its predictions are those of its model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.errors import DataError, ExportError, ModelError, RunError
from optotype.models.model import Model
from optotype.runs.origin import read_origin, reload_data

ImageBatches = Iterable[NDArray[np.uint8]]
ProbabilityBatches = Iterator[NDArray[np.float32]]

MAX_DIFFERENCE: Final = 1e-4
"""Largest accepted difference of a probability."""
TIE_MARGIN: Final = 1e-5
"""If the two highest logits differ by less, either class is accepted."""
MAX_TRAINING_IMAGES: Final = 5_000
"""Training images that are used if there are no validation images."""

_CHUNK: Final = 256
_MAX_LISTED: Final = 8


@dataclass(frozen=True, eq=False)
class VerificationImages:
    """The images on which an export is verified.

    Attributes:
        images: uint8 array of shape (n, height, width, channels).
        rows: Indices of the images to use, int64.
        name: Their kind: "validation images", "training images", "golden images" or "synthetic images".
        reason: Why they are not validation images, or "".
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    name: str
    reason: str = ""


@dataclass(frozen=True)
class Verification:
    """The result of a successful verification.

    Attributes:
        n: Number of images.
        images: Their kind: "validation images", "training images", "golden images" or "synthetic images".
        reason: Why they are not validation images, or "".
        max_difference: Largest difference of a probability.
    """

    n: int
    images: str
    reason: str
    max_difference: float


def verification_images(model: Model, data: Dataset | None = None) -> VerificationImages:
    """Choose images: the whole validation split if the data can be loaded, else golden or synthetic images.

    Args:
        model: The model that is exported.
        data: The data that it was trained on, if the caller has them; None to load them from their source.

    Raises:
        DataError: If `data` are not the data that the model was trained on.
        ModelError: If `data` are given but the model does not record its training data.
        RunError: If `data` are given but the model's training did not finish or its split cannot be reproduced.
    """
    try:
        loaded, split = reload_data(read_origin(model), model.recipe, data, with_added=False)
    except (DataError, ModelError, RunError) as error:
        if data is not None:
            raise
        if model.golden is None:
            images, name = synthetic_images(model.input_shape), "synthetic images"
        else:
            images, name = model.golden.images, "golden images"
        return VerificationImages(images, np.arange(len(images)), name, str(error))
    if len(split.validation):
        return VerificationImages(loaded.images, split.validation, "validation images")
    reason = "The recipe sets no validation images aside."
    return VerificationImages(loaded.images, split.train[:MAX_TRAINING_IMAGES], "training images", reason)


def synthetic_images(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Generate 32 very different images: uniform ones, noise of high and low contrast, sparse dots, gradients.

    Args:
        shape: (height, width, channels).

    Returns:
        uint8 array of shape (32, *shape), always the same for a shape.
    """
    rng = np.random.default_rng(0)
    uniform = np.broadcast_to(np.array([0, 85, 170, 255]).reshape(4, 1, 1, 1), (4, *shape))
    noise = rng.integers(0, 256, (8, *shape))
    low_contrast = rng.integers(100, 140, (4, *shape))
    dots = 255 * (rng.random((8, *shape)) < 0.15)
    rows, columns = np.linspace(0, 1, shape[0])[:, None, None], np.linspace(0, 1, shape[1])[:, None]
    slopes = rng.uniform(-1, 1, (8, 2, 1, 1, shape[2]))
    gradients = 127.5 + 127.5 * np.tanh(4 * (slopes[:, 0] * (rows - 0.5) + slopes[:, 1] * (columns - 0.5)))
    return np.concatenate([uniform, noise, low_contrast, dots, gradients]).astype(np.uint8)


def verify(
    model: Model,
    images: VerificationImages,
    predict: Callable[[ImageBatches], ProbabilityBatches],
) -> Verification:
    """Compare an export's predictions with the model's, both in fp32.

    Args:
        model: The model.
        images: The images.
        predict: Yields the export's float32 probabilities, of shape (n, classes), for each batch of uint8 images.

    Returns:
        The number of images and the largest difference.

    Raises:
        ExportError: If a probability differs by more than 1e-4, or a label differs although the two highest logits
            are at least 1e-5 apart. The message lists the images and the largest difference.
    """
    chunks = [images.rows[start : start + _CHUNK] for start in range(0, len(images.rows), _CHUNK)]
    wrong: list[int] = []
    max_difference = 0.0
    predictions = predict(images.images[rows] for rows in chunks)
    for rows, probabilities in zip(chunks, predictions, strict=True):
        differences, is_wrong = _compare(model, images.images[rows], probabilities)
        # Python's max may ignore NaN.
        max_difference = float(np.maximum(max_difference, differences.max()))
        wrong += rows[is_wrong].tolist()
    if wrong:
        listed = ", ".join(map(str, wrong[:_MAX_LISTED])) + (", ..." if len(wrong) > _MAX_LISTED else "")
        raise ExportError(
            f"The exported file's predictions differ from the model's on {len(wrong):,} of {len(images.rows):,}"
            f" {images.name} ({listed}): probabilities differ by up to {max_difference:.2g}, expected at most"
            f" {MAX_DIFFERENCE:g} and the same labels. Nothing was saved. Choose another format, or install another"
            " version of its software."
        )
    return Verification(len(images.rows), images.name, images.reason, max_difference)


def _compare(
    model: Model, images: NDArray[np.uint8], probabilities: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return each image's largest difference of a probability, and whether the prediction is wrong."""
    expected, logits = model.predict_proba(images), model.logits(images)
    if probabilities.shape != expected.shape:
        raise ExportError(
            f"The exported file returns an array of shape {probabilities.shape}, expected {expected.shape}."
            " Nothing was saved. Choose another format, or install another version of its software."
        )
    differences = np.abs(probabilities.astype(np.float64) - expected).max(axis=1)
    highest = np.sort(logits.astype(np.float64), axis=1)[:, -2:]
    is_tie = highest[:, -1] - highest[:, 0] < TIE_MARGIN
    has_other_label = (probabilities.argmax(axis=1) != expected.argmax(axis=1)) & ~is_tie
    # Negated, so that NaN counts as a difference.
    return differences, ~(differences <= MAX_DIFFERENCE) | has_other_label
