"""Robustness curves: accuracy on images that are changed more and more.

After D. Hendrycks and T. Dietterich, Benchmarking neural network robustness to common corruptions and perturbations,
ICLR 2019, with changes that make sense for images of any size. Lengths in pixels are for images of 28 pixels a side
and scale with larger images. Random directions and noise are the same in every run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.judging.judgement import RobustnessCurve
from optotype.metrics import accuracy, proportion
from optotype.models.model import Model
from optotype.randomness import bits, normal, permutation
from optotype.runs.predictions import predict_split

MAX_IMAGES: Final = 2_000
"""Images at each level."""
_SEED: Final = 1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """A way to change images.

    Attributes:
        name: The name of the change.
        unit: The unit of the levels.
        levels: The strength of the change, increasing; the first level is no change.
        apply: Changes float32 images of shape (n, height, width, channels) in 0 .. 255 by a level.
        is_length: Whether the levels are lengths in pixels, for images of 28 pixels a side.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    apply: Callable[[Floats, float], Floats]
    is_length: bool = False


def robustness_curves(
    model: Model,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    report: Callable[[str], None],
) -> Iterator[RobustnessCurve]:
    """Measure the accuracy on changed images, on a random sample of at most 2,000 images.

    Args:
        model: The model.
        images: uint8 of shape (n, height, width, channels), n at least 1.
        labels: The class of each image.
        report: Called with the name of each step.

    Yields:
        One curve for each change of ``CHANGES``.
    """
    rows = np.sort(permutation(len(labels), _SEED)[:MAX_IMAGES])
    sample, sample_labels = images[rows].astype(np.float32), labels[rows]
    n = len(sample_labels)
    scale = max(1, round(max(images.shape[1:3]) / 28))
    for change in CHANGES:
        report(f"robustness: {change.name}")
        levels = tuple(level * scale for level in change.levels) if change.is_length else change.levels
        accuracies = []
        for level in levels:
            changed = change.apply(sample, level) if level else sample
            pixels = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
            predictions = predict_split(model, pixels, sample_labels, np.arange(n))
            accuracies.append(proportion(round(accuracy(predictions.logits, sample_labels) * n), n))
        yield RobustnessCurve(change.name, change.unit, levels, tuple(accuracies), n)


def _shift(images: Floats, pixels: float) -> Floats:
    """Shift each image in one of eight directions; the border is repeated."""
    directions = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
    step = int(pixels)
    padded = np.pad(images, ((0, 0), (step, step), (step, step), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    shifted = np.empty_like(images)
    for group, rows in _random_groups(len(images), len(directions)):
        y, x = (step + step * direction for direction in directions[group])
        shifted[rows] = padded[rows, y : y + height, x : x + width]
    return shifted


def _rotate(images: Floats, degrees: float) -> Floats:
    """Rotate each image about its centre, clockwise or anticlockwise."""
    from scipy.ndimage import rotate  # noqa: PLC0415 - loaded only for this

    rotated = np.empty_like(images)
    for group, rows in _random_groups(len(images), 2):
        angle = degrees if group else -degrees
        rotated[rows] = rotate(images[rows], angle, axes=(1, 2), reshape=False, order=1, mode="nearest")
    return rotated


def _add_noise(images: Floats, sigma: float) -> Floats:
    noise = normal(images.size, _SEED).reshape(images.shape).astype(np.float32)
    return images + 255 * sigma * noise


def _blur(images: Floats, sigma: float) -> Floats:
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - loaded only for this

    blurred: Floats = gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")
    return blurred


def _lower_contrast(images: Floats, reduction: float) -> Floats:
    """Move the pixels of each image towards their mean."""
    mean: Floats = images.mean(axis=(1, 2, 3), keepdims=True)
    lowered: Floats = mean + np.float32(1 - reduction) * (images - mean)
    return lowered


def _random_groups(n: int, groups: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Assign images to groups at random, the same in every run, and yield each group with its rows."""
    assigned = bits(n, _SEED) % np.uint64(groups)
    for group in range(groups):
        yield group, np.flatnonzero(assigned == group)


CHANGES: Final = (
    Change("shifted", "pixels", (0, 1, 2, 3, 4, 6), _shift, is_length=True),
    Change("rotated", "degrees", (0, 5, 10, 20, 30, 45), _rotate),
    Change(
        "Gaussian noise",
        "standard deviation as a share of the pixel range",
        (0, 0.05, 0.1, 0.2, 0.3, 0.5),
        _add_noise,
    ),
    Change("blurred", "standard deviation in pixels", (0, 0.5, 1, 1.5, 2, 3), _blur, is_length=True),
    Change("lower contrast", "share of the contrast removed", (0, 0.2, 0.4, 0.6, 0.8, 0.9), _lower_contrast),
)
