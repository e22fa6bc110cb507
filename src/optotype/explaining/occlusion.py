"""Occlusion maps: which parts of an image support a class.

A patch slides over the image, and the drop of the evidence for the class is measured (M. Zeiler, R. Fergus, Visualizing
and understanding convolutional networks, ECCV 2014, section 4.2). Two things differ, both based on measurements
(docs/decisions/0031-explaining.md): the patch has the image's mean colour instead of grey, and the evidence is the
log-odds of the class instead of its probability, which may stay near 1 whatever is covered.
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
"""The evidence for a class: images of shape (n, height, width, channels) in, numbers of shape (n,) out."""

Area = tuple[slice, slice]

_MAX_PATCHES: Final = 200
_PATCHES_PER_SIDE: Final = 6
_FORWARD_CHUNK: Final = 1 << 17
"""Pixel values in one forward pass."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """An occlusion map: how much each pixel matters for one class.

    Attributes:
        label: Name of the class.
        attribution: float32 of shape (height, width): by how much the log-odds of the class (natural logarithm, after
            calibration) drop if a patch over the pixel is covered, as the mean of all such patches. Positive if the
            pixel supports the class, negative if it speaks against it.
        patch: Side of the patch in pixels; a patch is cut off at the sides of a smaller image.
    """

    label: str
    attribution: Array
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
    """Measure which parts of an image support a class, by covering them.

    Args:
        model: The model.
        image: One image: an array without the batch axis, or an image file; otherwise as for `Model.logits`.
        label: Name of the class; None for the predicted class.
        patch: Side of the patch in pixels, at least 1; None for a sixth of the image's side.
        stride: Pixels from one patch to the next, 1 to `patch`; None for the smallest that needs at most 200 patches.
        logits: A function that computes logits. It is called with a few images at a time, so that a server can answer
            requests in between. None for the model itself.

    Returns:
        The map. It does not prove why the model predicts the class; docs/explaining.md explains its limits.

    Raises:
        DataError: If the class, patch or stride is invalid, or the image has another shape or range.
        ImageError: If the image file cannot be read.
        ModelError: If the model has only one class, or a logit is not finite.
    """
    batch = as_batch([image], model.input_shape)
    side = _patch_side(model.input_shape, patch)
    step = _stride(model.input_shape, side, stride)
    compute = model.network.logits if logits is None else logits
    class_index = int(compute(batch)[0].argmax()) if label is None else _class_index(model, label)
    attribution = occlusion_map(
        lambda images: log_odds(model, compute(images), class_index),
        batch[0],
        mean_colour(batch[0]),
        side,
        step,
    )
    return Occlusion(model.class_names[class_index], attribution, side)


def occlusion_map(evidence: Evidence, image: Pixels, fill: Pixels, patch: int, stride: int) -> Array:
    """Cover an image with a patch at every position, and measure the drop of the evidence.

    Args:
        evidence: The function to measure; called with the image, then with a few covered images at a time.
        image: Of shape (height, width, channels).
        fill: The content of the patches: an image of the same shape and dtype.
        patch: Side of the patch in pixels, at least 1.
        stride: Pixels from one patch to the next, 1 to `patch`; the last patches end at the image's border.

    Returns:
        float32 of shape (height, width): the mean drop over the patches that cover a pixel.
    """
    before = evidence(image[np.newaxis])[0]
    areas = _areas(image.shape, patch, stride)
    total, counts = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    chunk = max(1, _FORWARD_CHUNK // image.size)
    for start in range(0, len(areas), chunk):
        part = areas[start : start + chunk]
        drops = before - evidence(_covered(image, fill, part))
        for area, drop in zip(part, drops, strict=True):
            total[area] += drop
            counts[area] += 1
    return (total / counts).astype(np.float32)


def mean_colour(image: Pixels) -> Pixels:
    """Return an image of the same shape and dtype whose pixels are the mean of each channel."""
    mean = image.mean(axis=(0, 1), dtype=np.float64)
    colour = np.rint(mean) if image.dtype == np.uint8 else mean
    fill: NDArray[Any] = np.broadcast_to(colour.astype(image.dtype), image.shape)
    return fill


def log_odds(model: Model, logits: Array, class_index: int) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of the calibrated probability p of a class, which stays finite if p rounds to 1.

    Args:
        model: The model, for its calibration.
        logits: Of shape (n, classes).
        class_index: The index of the class.

    Returns:
        float64 of shape (n,).

    Raises:
        ModelError: If there is only one class, or a logit is not finite.
    """
    if logits.shape[1] < 2:
        raise ModelError("The model has 1 class, expected at least 2. Train it on more classes.")
    if not np.isfinite(logits).all():
        raise ModelError(
            "A logit is not finite, expected finite numbers. Train the model with a lower learning rate."
        )
    scaled = logits.astype(np.float64) / (1 if model.calibration is None else model.calibration.temperature)
    others = np.delete(scaled, class_index, axis=1)
    highest = others.max(axis=1)
    rest = np.log(np.exp(others - highest[:, np.newaxis]).sum(axis=1))
    odds: NDArray[np.float64] = scaled[:, class_index] - highest - rest
    return odds


def _patch_side(shape: Shape, patch: int | None) -> int:
    if patch is None:
        return max(1, round(math.sqrt(shape[0] * shape[1]) / _PATCHES_PER_SIDE))
    if patch < 1:
        raise DataError(
            f"patch is {patch} pixels, expected at least 1. Omit it to use a sixth of the image's side."
        )
    return patch


def _stride(shape: Shape, patch: int, stride: int | None) -> int:
    if stride is None:
        steps = (step for step in range(1, patch) if len(_areas(shape, patch, step)) <= _MAX_PATCHES)
        return next(steps, patch)
    if not 1 <= stride <= patch:
        raise DataError(
            f"stride is {stride} pixels, expected 1 to {patch} (the side of the patch), so that every pixel is covered."
            " Omit it to use one that suits the image."
        )
    return stride


def _areas(shape: tuple[int, ...], patch: int, stride: int) -> list[Area]:
    """Return the area of each patch; the last ones end at the image's border, so that every pixel is covered."""
    last_positions = [max(side - patch, 0) for side in shape[:2]]
    rows, columns = ([*range(0, last, stride), last] for last in last_positions)
    return [(slice(top, top + patch), slice(left, left + patch)) for top in rows for left in columns]


def _covered(image: Pixels, fill: Pixels, areas: list[Area]) -> Pixels:
    copies: NDArray[Any] = np.repeat(image[np.newaxis], len(areas), axis=0)
    for copy, area in zip(copies, areas, strict=True):
        copy[area] = fill[area]
    return copies


def _class_index(model: Model, label: str) -> int:
    if label not in model.class_names:
        raise DataError(unknown_name("class", label, model.class_names))
    return model.class_names.index(label)
