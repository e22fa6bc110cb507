"""Which parts of an image a model's answer rests on: parts are covered, and how much the evidence falls is measured.

M. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2: a patch slides over
the image. Two things differ, each because it was measured (docs/decisions/0031-explaining.md): the patch has the colour
of the image's border and not grey, and what falls is the log-odds and not the probability, which stays near 1 while
most of the evidence goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures import Picture
from optotype.errors import DataError, ModelError, unknown_name
from optotype.models.images import Pixels, Shape, as_batch
from optotype.models.model import Model

Array = NDArray[np.float32]
Logits = Callable[[Pixels], Array]
"""A forward pass: images of shape (n, height, width, channels) in, logits of shape (n, classes) out."""
Area = tuple[slice, slice]

_PATCHES: Final = 200
_SHARE: Final = 6  # of a side that a patch takes: one sixth
_CHUNK: Final = 1 << 17  # numbers in the images that are predicted at once


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How much each pixel matters for one class.

    Attributes:
        label: Name of the class.
        drops: float32 of shape (height, width): by how much the log-odds of the class (natural logarithm, after
            calibration) fall when a patch over the pixel is covered, the mean of all such patches. Above 0 where what
            is there speaks for the class, below 0 where it speaks against it.
        patch: Side of the patch in pixels; along a shorter side of the image it is that side.
    """

    label: str
    drops: Array
    patch: int


def occlusion(
    model: Model,
    image: Pixels | Picture,
    label: str | None = None,
    *,
    patch: int | None = None,
    stride: int | None = None,
    logits: Logits | None = None,
) -> Occlusion:
    """Measure which parts of an image speak for a class, by covering them.

    Args:
        model: What predicts.
        image: One image, in any form that ``Model.logits`` takes in a list.
        label: Name of the class; None for the one that the model says.
        patch: Side of the patch in pixels, at least 1; None for a sixth of the image's.
        stride: Pixels from one patch to the next, 1 to ``patch``; None for the least that needs at most 200 patches.
        logits: What computes logits, called with a few images at a time, so that a server can answer others in
            between; None for the model itself.

    Returns:
        A value for each pixel. Not a proof of reasons: docs/explaining.md says what it can and cannot tell.

    Raises:
        DataError: There is no such class, patch or stride, or the image has another shape or range.
        ImageError: The picture cannot be read.
        ModelError: The model has one class only, or a logit is not finite.
    """
    whole = as_batch([image], model.input_shape)
    size = _patch(model.input_shape, patch)
    areas = _areas(model.input_shape, size, _stride(model.input_shape, size, stride))
    compute = model.network.logits if logits is None else logits
    first = compute(whole)
    place = int(first[0].argmax()) if label is None else _place(model, label)
    evidence = _log_odds(model, first, place)[0]
    total, count = np.zeros(model.input_shape[:2]), np.zeros(model.input_shape[:2])
    chunk = max(1, _CHUNK // whole.size)
    for start in range(0, len(areas), chunk):
        part = areas[start : start + chunk]
        falls = evidence - _log_odds(model, compute(_covered(whole[0], part)), place)
        for area, fall in zip(part, falls, strict=True):
            total[area] += fall
            count[area] += 1
    return Occlusion(model.class_names[place], (total / count).astype(np.float32), size)


def _patch(shape: Shape, patch: int | None) -> int:
    if patch is None:
        return max(1, round((shape[0] * shape[1]) ** 0.5 / _SHARE))
    if patch < 1:
        raise DataError(
            f"The patch is {patch} pixels large, expected at least 1. Leave it out for a sixth of the image."
        )
    return patch


def _stride(shape: Shape, patch: int, stride: int | None) -> int:
    if stride is None:
        few = (step for step in range(1, patch) if len(_areas(shape, patch, step)) <= _PATCHES)
        return next(few, patch)
    if not 1 <= stride <= patch:
        raise DataError(
            f"The stride is {stride} pixels, expected 1 to {patch}, the patch's side, so that every pixel is covered."
        )
    return stride


def _areas(shape: Shape, patch: int, stride: int) -> list[Area]:
    """Say what each patch covers; the last ones end with the image, so that no pixel is left out."""
    lasts = [max(side - patch, 0) for side in shape[:2]]
    rows, columns = ([*range(0, last, stride), last] for last in lasts)
    return [(slice(top, top + patch), slice(left, left + patch)) for top in rows for left in columns]


def _place(model: Model, label: str) -> int:
    if label not in model.class_names:
        raise DataError(unknown_name("class", label, model.class_names))
    return list(model.class_names).index(label)


def _covered(image: Pixels, areas: list[Area]) -> Pixels:
    """Give a copy of an image for each area, in which it has the colour of the border: the median of each channel."""
    edge: NDArray[Any] = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    colour = np.sort(edge, axis=0)[len(edge) // 2]
    copies: NDArray[Any] = np.repeat(image[np.newaxis], len(areas), axis=0)
    for copy, area in zip(copies, areas, strict=True):
        copy[area] = colour
    return copies


def _log_odds(model: Model, logits: Array, place: int) -> NDArray[np.float64]:
    """Give log(p / (1 - p)) of a class's calibrated probability p, from the logits, so that p = 1 is not the end."""
    if logits.shape[1] < 2:
        raise ModelError(
            "The model has one class only, expected two or more: there is nothing to tell apart."
        )
    if not np.isfinite(logits).all():
        raise ModelError("A logit is not finite, expected numbers. Train with a lower learning rate.")
    scaled = logits.astype(np.float64) / (1 if model.calibration is None else model.calibration.temperature)
    others = np.delete(scaled, place, axis=1)
    highest = others.max(axis=1)
    odds: NDArray[np.float64] = (
        scaled[:, place] - highest - np.log(np.exp(others - highest[:, None]).sum(axis=1))
    )
    return odds
