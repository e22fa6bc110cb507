"""Which images a report shows: the worst, the surest mistakes, and a fair sample; and the weights that look at them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.encode import png_uri
from optotype.judging.judgement import Judgement
from optotype.models.model import Model
from optotype.randomness import permutation, purpose

# Sets the hash of the sample apart from every other: the word "report" in ASCII.
_REPORT: Final = purpose("report")
_LARGEST: Final = 64
"""Side of the largest image that is shown pixel by pixel; larger ones are made smaller, to keep the page small."""


@dataclass(frozen=True)
class Exhibit:
    """An image with what the model says of it.

    Attributes:
        uri: The picture, as the address of itself.
        label: Its class.
        predicted: The most probable class.
        probability: Of the latter, in 0 .. 1.
        label_probability: Of the former.
        right: Whether the two are the same.
        unknown: Whether the model calls it unlike what it was trained on.
        place: Which of the judged images it is, from 0.
        file: Its file; None where images have none.
    """

    uri: str
    label: str
    predicted: str
    probability: float
    label_probability: float
    right: bool
    unknown: bool
    place: int
    file: str | None


class Gallery:
    """The judged images, from which a report picks some.

    Args:
        judgement: A judgement with its evidence.
        model: What was judged.
    """

    def __init__(self, judgement: Judgement, model: Model) -> None:
        if judgement.evidence is None:
            raise ValueError("a judgement that was read from a file has no images")
        self._model = model
        self._said = judgement.evidence.predictions[judgement.on]
        self._images = judgement.evidence.images[judgement.on]
        self._files = judgement.evidence.files[judgement.on]

    @cached_property
    def _probabilities(self) -> NDArray[np.float64]:
        return self._model.probabilities(self._said.logits)

    @cached_property
    def _unknown(self) -> NDArray[np.bool_]:
        familiarity, distances = self._model.novelty, self._said.distances
        if familiarity is None or distances is None:
            return np.zeros(len(self._said.labels), np.bool_)
        return familiarity.is_novel(distances)

    @cached_property
    def _of_label(self) -> NDArray[np.float64]:
        return self._probabilities[np.arange(len(self._said.labels)), self._said.labels]

    def top_losses(self, most: int) -> list[Exhibit]:
        """Show the images whose labels the model holds for least probable, the worst first."""
        return self._show(np.argsort(self._of_label, kind="stable")[:most])

    def surest_mistakes(self, most: int) -> list[Exhibit]:
        """Show the wrong answers that were given with the highest probability, the surest first."""
        wrong = np.flatnonzero(self._said.logits.argmax(axis=1) != self._said.labels)
        return self._show(wrong[np.argsort(-self._probabilities.max(axis=1)[wrong], kind="stable")][:most])

    def sample(self, most: int) -> list[Exhibit]:
        """Show images that were chosen by a hash, the same ones in every report of the same data."""
        n = len(self._said.labels)
        return self._show(np.sort(permutation(n, _REPORT, n)[:most]))

    def strangest(self, most: int) -> list[Exhibit]:
        """Show the images that are least like the training images; none where the model cannot tell."""
        distances = self._said.distances
        return [] if distances is None else self._show(np.argsort(-distances, kind="stable")[:most])

    def _show(self, rows: NDArray[np.int64]) -> list[Exhibit]:
        return [self._exhibit(int(row)) for row in rows]

    def _exhibit(self, row: int) -> Exhibit:
        names, said = self._model.class_names, self._said
        label, predicted = int(said.labels[row]), int(said.logits[row].argmax())
        place = int(said.indices[row])
        return Exhibit(
            png_uri(smaller(self._images[place])),
            names[label],
            names[predicted],
            float(self._probabilities[row, predicted]),
            float(self._of_label[row]),
            label == predicted,
            bool(self._unknown[row]),
            place,
            self._files[place] if self._files else None,
        )


def smaller(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring an image to at most 64 pixels a side.

    Args:
        image: uint8 of shape (height, width, channels), with 1 or 3 channels.
    """
    from PIL import Image  # noqa: PLC0415 - loaded only to write a report

    if max(image.shape[:2]) <= _LARGEST:
        return image
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image))
    picture.thumbnail((_LARGEST, _LARGEST))
    return np.asarray(picture).reshape(picture.height, picture.width, image.shape[2])
