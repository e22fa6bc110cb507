"""The images of a report: top losses, most confident errors, a random sample, and the most novel ones."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.encode import png_uri
from optotype.randomness import permutation, purpose

if TYPE_CHECKING:
    from optotype.judging.judgement import Judgement
    from optotype.models.model import Model

# Separates the hash of the random sample from every other.
_SAMPLE_KEY: Final = purpose("report")
_MAX_SIDE: Final = 64
"""Pixels per side of the largest image that is shown unscaled; larger ones are scaled down to keep the page small."""


@dataclass(frozen=True)
class GalleryImage:
    """An image with the model's prediction.

    Attributes:
        uri: The image as a data URI.
        label: Its labelled class.
        predicted: The predicted class.
        probability: Probability of the predicted class, in 0 .. 1.
        label_probability: Probability of the labelled class.
        is_correct: Whether label and prediction agree.
        is_novel: Whether the model's novelty detector rejects it.
        index: Its position among the judged images, from 0.
        file: Name of its file; None if the images have no files.
    """

    uri: str
    label: str
    predicted: str
    probability: float
    label_probability: float
    is_correct: bool
    is_novel: bool
    index: int
    file: str | None


class Gallery:
    """The judged images, from which a report chooses some.

    Args:
        judgement: A judgement with its evidence.
        model: The judged model.

    Raises:
        ValueError: If the judgement was read from a file and has no images.
    """

    def __init__(self, judgement: "Judgement", model: "Model") -> None:
        if judgement.evidence is None:
            raise ValueError("a judgement that was read from a file has no images")
        self._model = model
        self._predictions = judgement.evidence.predictions[judgement.on]
        self._images = judgement.evidence.images[judgement.on]
        self._files = judgement.evidence.files[judgement.on]

    @cached_property
    def _probabilities(self) -> NDArray[np.float64]:
        return self._model.probabilities(self._predictions.logits)

    @cached_property
    def _is_novel(self) -> NDArray[np.bool_]:
        detector, distances = self._model.novelty, self._predictions.distances
        if detector is None or distances is None:
            return np.zeros(len(self._predictions.labels), np.bool_)
        return detector.is_novel(distances)

    @cached_property
    def _label_probabilities(self) -> NDArray[np.float64]:
        labels = self._predictions.labels
        return self._probabilities[np.arange(len(labels)), labels]

    def top_losses(self, limit: int) -> list[GalleryImage]:
        """Return the images with the least probable labels, the worst first."""
        return self._select(np.argsort(self._label_probabilities, kind="stable")[:limit])

    def most_confident_errors(self, limit: int) -> list[GalleryImage]:
        """Return the wrong predictions with the highest probability, the most confident first."""
        wrong = np.flatnonzero(self._predictions.logits.argmax(axis=1) != self._predictions.labels)
        confidence = self._probabilities.max(axis=1)[wrong]
        return self._select(wrong[np.argsort(-confidence, kind="stable")][:limit])

    def random_sample(self, limit: int) -> list[GalleryImage]:
        """Return images that a hash chooses: the same ones in every report of the same data."""
        n = len(self._predictions.labels)
        return self._select(np.sort(permutation(n, _SAMPLE_KEY, n)[:limit]))

    def most_novel(self, limit: int) -> list[GalleryImage]:
        """Return the images least like the training images; none if the model has no novelty detector."""
        distances = self._predictions.distances
        return [] if distances is None else self._select(np.argsort(-distances, kind="stable")[:limit])

    def _select(self, rows: NDArray[np.int64]) -> list[GalleryImage]:
        return [self._gallery_image(int(row)) for row in rows]

    def _gallery_image(self, row: int) -> GalleryImage:
        names, predictions = self._model.class_names, self._predictions
        label, predicted = int(predictions.labels[row]), int(predictions.logits[row].argmax())
        index = int(predictions.indices[row])
        return GalleryImage(
            png_uri(scale_down(self._images[index])),
            names[label],
            names[predicted],
            float(self._probabilities[row, predicted]),
            float(self._label_probabilities[row]),
            label == predicted,
            bool(self._is_novel[row]),
            index,
            self._files[index] if self._files else None,
        )


def scale_down(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image with at most 64 pixels per side; smaller images are unchanged.

    Args:
        image: uint8 of shape (height, width, channels), with 1 or 3 channels.
    """
    from PIL import Image  # noqa: PLC0415 - loaded only to write a report

    if max(image.shape[:2]) <= _MAX_SIDE:
        return image
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image))
    picture.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return np.asarray(picture).reshape(picture.height, picture.width, image.shape[2])
