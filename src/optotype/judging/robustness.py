"""How accuracy falls as images are changed more and more.

After D. Hendrycks and T. Dietterich, Benchmarking neural network robustness to common corruptions and perturbations,
ICLR 2019, with changes that mean something for images of any size. Lengths in pixels are for images of 28 pixels a
side, and grow with larger ones. What is drawn at random, directions and noise, is the same every time.
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

MOST: Final = 2_000
"""Images at each level."""
_SEED: Final = 1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """A way to change images.

    Attributes:
        name: What is done.
        unit: Of the levels.
        levels: How much, rising; the first is no change.
        apply: Changes float32 images of shape (n, height, width, channels) in 0 .. 255 by a level.
        grows: Whether the levels are lengths, for images of 28 pixels a side.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    apply: Callable[[Floats, float], Floats]
    grows: bool = False


def robustness(
    model: Model,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    report: Callable[[str], None],
) -> Iterator[RobustnessCurve]:
    """Measure accuracy on changed images, on at most 2,000 of them chosen at random.

    Args:
        model: Whom to ask.
        images: uint8 of shape (n, height, width, channels), n at least 1.
        labels: The class of each.
        report: Called with what is being done.

    Yields:
        A curve for each change of ``CHANGES``.
    """
    rows = np.sort(permutation(len(labels), _SEED)[:MOST])
    shown, truth = images[rows].astype(np.float32), labels[rows]
    length = max(1, round(max(images.shape[1:3]) / 28))
    for change in CHANGES:
        report(f"robustness: {change.name}")
        levels = tuple(level * length for level in change.levels) if change.grows else change.levels
        shares = []
        for level in levels:
            changed = change.apply(shown, level) if level else shown
            pixels = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
            said = predict_split(model, pixels, truth, np.arange(len(truth)))
            shares.append(proportion(round(accuracy(said.logits, truth) * len(truth)), len(truth)))
        yield RobustnessCurve(change.name, change.unit, levels, tuple(shares), len(truth))


def _shifted(images: Floats, pixels: float) -> Floats:
    """Move each image in one of the eight directions of a compass; what comes in repeats the border."""
    directions = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
    step = int(pixels)
    padded = np.pad(images, ((0, 0), (step, step), (step, step), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    moved = np.empty_like(images)
    for place, group in _groups(len(images), len(directions)):
        y, x = (step + step * each for each in directions[place])
        moved[group] = padded[group, y : y + height, x : x + width]
    return moved


def _turned(images: Floats, degrees: float) -> Floats:
    """Turn each image about its centre to the left or to the right."""
    from scipy.ndimage import rotate  # noqa: PLC0415 - loaded only for this

    turned = np.empty_like(images)
    for place, group in _groups(len(images), 2):
        angle = degrees if place else -degrees
        turned[group] = rotate(images[group], angle, axes=(1, 2), reshape=False, order=1, mode="nearest")
    return turned


def _noisy(images: Floats, sigma: float) -> Floats:
    noise = normal(images.size, _SEED).reshape(images.shape).astype(np.float32)
    return images + 255 * sigma * noise


def _blurred(images: Floats, sigma: float) -> Floats:
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - loaded only for this

    blurred: Floats = gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")
    return blurred


def _paled(images: Floats, share: float) -> Floats:
    """Bring the pixels of each image nearer to their mean."""
    mean: Floats = images.mean(axis=(1, 2, 3), keepdims=True)
    paled: Floats = mean + np.float32(1 - share) * (images - mean)
    return paled


def _groups(n: int, kinds: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Draw a kind for each image, the same every time, and give the images of each."""
    drawn = bits(n, _SEED) % np.uint64(kinds)
    for kind in range(kinds):
        yield kind, np.flatnonzero(drawn == kind)


CHANGES: Final = (
    Change("shifted", "pixels", (0, 1, 2, 3, 4, 6), _shifted, grows=True),
    Change("rotated", "degrees", (0, 5, 10, 20, 30, 45), _turned),
    Change("Gaussian noise", "standard deviation, of the pixel range", (0, 0.05, 0.1, 0.2, 0.3, 0.5), _noisy),
    Change("blurred", "standard deviation in pixels", (0, 0.5, 1, 1.5, 2, 3), _blurred, grows=True),
    Change("less contrast", "share taken away", (0, 0.2, 0.4, 0.6, 0.8, 0.9), _paled),
)
