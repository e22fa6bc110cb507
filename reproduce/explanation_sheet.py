"""Explanations as rows of an image sheet: occlusion maps over their images, and the nearest training images."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

import optotype as ot
from optotype.data.splits import Split
from optotype.reporting.image_sheet import Row

_N_CORRECT, _N_WRONG = 3, 2
_K: Final = 6
_SUPPORT_COLOUR, _OPPOSE_COLOUR = (230, 30, 30), (40, 90, 240)
_IMAGE_BRIGHTNESS: Final = 0.7
_MAX_OPACITY: Final = 0.9  # of the colour at the pixel farthest from 0


def sheet_rows(model: ot.Model, data: ot.Dataset, split: Split) -> list[Row]:
    """Explain some validation images, of which the model classifies some incorrectly."""
    neighbours = ot.Neighbours(model, data, split.train)
    predicted = model.logits(data.images[split.validation]).argmax(axis=1)
    is_correct = predicted == data.labels[split.validation]
    rows = [*np.flatnonzero(is_correct)[:_N_CORRECT], *np.flatnonzero(~is_correct)[:_N_WRONG]]
    return [_row(model, neighbours, data, int(index)) for index in split.validation[rows]]


def _row(model: ot.Model, neighbours: ot.Neighbours, data: ot.Dataset, index: int) -> Row:
    image = data.images[index]
    (first, probability), (second, _) = model.predict([image])[0].top(2)
    nearest = neighbours.nearest(image, _K)
    maps = [ot.occlusion(model, image, label).attribution for label in (first, second)]
    images = [
        image,
        *(overlay(image, attribution) for attribution in maps),
        *(neighbour.image for neighbour in nearest),
    ]
    return Row(
        label=data.class_names[data.labels[index]],
        note=f"predicted: {first}, {100 * probability:.0f} %",
        images=np.stack([np.broadcast_to(panel, (*image.shape[:2], 3)) for panel in images]),
        captions=("", first, second, *(neighbour.label for neighbour in nearest)),
    )


def overlay(image: NDArray[np.uint8], attribution: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour an image by a map: red for positive values, blue for negative ones, stronger for larger ones.

    Args:
        image: uint8 of shape (height, width, channels).
        attribution: Of shape (height, width).

    Returns:
        uint8 of shape (height, width, 3).
    """
    grey = _IMAGE_BRIGHTNESS * image.mean(axis=2, keepdims=True)
    strength = np.abs(attribution) / max(float(np.abs(attribution).max()), float(np.finfo(np.float32).tiny))
    colour = np.where(attribution[..., np.newaxis] > 0, np.array(_SUPPORT_COLOUR), np.array(_OPPOSE_COLOUR))
    mixed = grey + _MAX_OPACITY * strength[..., np.newaxis] * (colour - grey)
    coloured: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return coloured
