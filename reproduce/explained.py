"""Explanations as rows of a contact sheet: maps laid over their images, and the nearest training images."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

import optotype as ot
from optotype.data.splits import Split
from optotype.reporting.image_sheet import Row

_RIGHT, _WRONG = 3, 2  # images that are told right, and wrong
_K: Final = 6
_FOR, _AGAINST = (230, 30, 30), (40, 90, 240)
_DIMMED: Final = 0.7
_OPAQUE: Final = 0.9  # of the colour where the map is farthest from 0


def rows_of(model: ot.Model, data: ot.Dataset, split: Split) -> list[Row]:
    """Explain a few validation images, some of which the model tells wrong."""
    found = ot.Neighbours(model, data, split.train)
    told = model.logits(data.images[split.validation]).argmax(axis=1)
    right = told == data.labels[split.validation]
    rows = [*np.flatnonzero(right)[:_RIGHT], *np.flatnonzero(~right)[:_WRONG]]
    return [_row(model, found, data, int(index)) for index in split.validation[rows]]


def _row(model: ot.Model, found: ot.Neighbours, data: ot.Dataset, index: int) -> Row:
    image = data.images[index]
    (first, sure), (second, _) = model.predict([image])[0].top(2)
    near = found.nearest(image, _K)
    maps = [ot.occlusion(model, image, label).drops for label in (first, second)]
    shown = [image, *(laid_over(image, each) for each in maps), *(each.image for each in near)]
    return Row(
        label=data.class_names[data.labels[index]],
        note=f"said: {first}, {100 * sure:.0f} %",
        images=np.stack([np.broadcast_to(each, (*image.shape[:2], 3)) for each in shown]),
        captions=("", first, second, *(each.label for each in near)),
    )


def laid_over(image: NDArray[np.uint8], drops: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour an image by a map: red where it is above 0, blue below, most where it is farthest from 0.

    Args:
        image: uint8 of shape (height, width, channels).
        drops: Of shape (height, width).

    Returns:
        uint8 of shape (height, width, 3).
    """
    grey = _DIMMED * image.mean(axis=2, keepdims=True)
    strength = np.abs(drops) / max(float(np.abs(drops).max()), float(np.finfo(np.float32).tiny))
    colour = np.where(drops[..., np.newaxis] > 0, np.array(_FOR), np.array(_AGAINST))
    mixed = grey + _OPAQUE * strength[..., np.newaxis] * (colour - grey)
    coloured: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return coloured
