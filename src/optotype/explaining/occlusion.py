"""Which parts of an image an answer rests on: a patch slides over it, and how far the evidence falls is measured.

M. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2. Two things differ,
each because it was measured (docs/decisions/0031-explaining.md): the patch has the image's mean colour and not grey,
and what falls is the log-odds of the class and not its probability, which may stay near 1 whatever is covered.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.decode import Picture
from optotype.errors import DataError, ModelError, unknown_name
from optotype.models.inputs import Pixels, Shape, as_batch
from optotype.models.model import Model

Array = NDArray[np.float32]
Logits = Callable[[Pixels], Array]
"""A forward pass: images of shape (n, height, width, channels) in, logits of shape (n, classes) out."""
Evidence = Callable[[Pixels], NDArray[np.floating]]
"""What speaks for a class: images of shape (n, height, width, channels) in, a number for each out."""

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
        image: One image: an array without the axis of images, or a picture; otherwise as for `Model.logits`.
        label: Name of the class; None for the one that the model says.
        patch: Side of the patch in pixels, at least 1; None for a sixth of the image's.
        stride: Pixels from one patch to the next, 1 to `patch`; None for the least that needs at most 200 patches.
        logits: What computes logits, called with a few images at a time, so that a server can answer others in
            between; None for the model itself.

    Returns:
        A value for each pixel. It is no proof of reasons: docs/explaining.md says what it can tell.

    Raises:
        DataError: There is no such class, patch or stride, or the image has another shape or range.
        ImageError: The picture cannot be read.
        ModelError: The model has one class only, or a logit is not finite.
    """
    whole = as_batch([image], model.input_shape)
    size = _patch(model.input_shape, patch)
    step = _stride(model.input_shape, size, stride)
    compute = model.network.logits if logits is None else logits
    place = int(compute(whole)[0].argmax()) if label is None else _place(model, label)
    drops = slide(
        lambda images: log_odds(model, compute(images), place), whole[0], mean_colour(whole[0]), size, step
    )
    return Occlusion(model.class_names[place], drops, size)


def slide(evidence: Evidence, image: Pixels, fill: Pixels, patch: int, stride: int) -> Array:
    """Cover an image with a patch in every place, and measure by how much the evidence falls.

    Args:
        evidence: What is measured; called with the image, then with a few covered ones at a time.
        image: Of shape (height, width, channels).
        fill: What patches show: an image of that shape and dtype.
        patch: Their side in pixels, at least 1.
        stride: Pixels from one to the next, 1 to `patch`; the last ones end with the image.

    Returns:
        float32 of shape (height, width): the mean fall over the patches that cover a pixel.
    """
    before = evidence(image[np.newaxis])[0]
    areas = _areas(image.shape, patch, stride)
    total, count = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    chunk = max(1, _CHUNK // image.size)
    for start in range(0, len(areas), chunk):
        part = areas[start : start + chunk]
        falls = before - evidence(_covered(image, fill, part))
        for area, fall in zip(part, falls, strict=True):
            total[area] += fall
            count[area] += 1
    return (total / count).astype(np.float32)


def mean_colour(image: Pixels) -> Pixels:
    """Give an image of the shape and dtype of another that has its mean in every pixel, for each channel."""
    mean = image.mean(axis=(0, 1), dtype=np.float64)
    colour = np.rint(mean) if image.dtype == np.uint8 else mean
    fill: NDArray[Any] = np.broadcast_to(colour.astype(image.dtype), image.shape)
    return fill


def log_odds(model: Model, logits: Array, place: int) -> NDArray[np.float64]:
    """Give log(p / (1 - p)) of the calibrated probability p of a class, which goes on where p rounds to 1.

    Args:
        model: Whose calibration counts.
        logits: Of shape (n, classes).
        place: Which class.

    Returns:
        float64 of shape (n,).

    Raises:
        ModelError: There is one class only, or a logit is not finite.
    """
    if logits.shape[1] < 2:
        raise ModelError(
            "The model has one class only, expected two or more to tell apart. Train it on more."
        )
    if not np.isfinite(logits).all():
        raise ModelError("A logit is not finite, expected numbers. Train with a lower learning rate.")
    scaled = logits.astype(np.float64) / (1 if model.calibration is None else model.calibration.temperature)
    others = np.delete(scaled, place, axis=1)
    highest = others.max(axis=1)
    rest = np.log(np.exp(others - highest[:, np.newaxis]).sum(axis=1))
    odds: NDArray[np.float64] = scaled[:, place] - highest - rest
    return odds


def _patch(shape: Shape, patch: int | None) -> int:
    if patch is None:
        return max(1, round(math.sqrt(shape[0] * shape[1]) / _SHARE))
    if patch < 1:
        raise DataError(
            f"The patch has a side of {patch} pixels, expected at least 1. Leave it out for a sixth."
        )
    return patch


def _stride(shape: Shape, patch: int, stride: int | None) -> int:
    if stride is None:
        few = (step for step in range(1, patch) if len(_areas(shape, patch, step)) <= _PATCHES)
        return next(few, patch)
    if not 1 <= stride <= patch:
        raise DataError(
            f"The stride is {stride} pixels, expected 1 to {patch}, the side of the patch, so that every pixel is"
            " covered. Leave it out for one that suits the image."
        )
    return stride


def _areas(shape: tuple[int, ...], patch: int, stride: int) -> list[Area]:
    """Say what each patch covers; the last ones end with the image, so that no pixel is left out."""
    lasts = [max(side - patch, 0) for side in shape[:2]]
    rows, columns = ([*range(0, last, stride), last] for last in lasts)
    return [(slice(top, top + patch), slice(left, left + patch)) for top in rows for left in columns]


def _covered(image: Pixels, fill: Pixels, areas: list[Area]) -> Pixels:
    copies: NDArray[Any] = np.repeat(image[np.newaxis], len(areas), axis=0)
    for copy, area in zip(copies, areas, strict=True):
        copy[area] = fill[area]
    return copies


def _place(model: Model, label: str) -> int:
    if label not in model.class_names:
        raise DataError(unknown_name("class", label, model.class_names))
    return model.class_names.index(label)
