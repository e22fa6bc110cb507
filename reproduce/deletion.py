"""Deletion and insertion scores: how fast a prediction is lost as pixels are removed in an order, and regained.

V. Petsiuk, A. Das, K. Saenko, RISE: randomized input sampling for explanation of black-box models, BMVC 2018, section
4.2. Each score is measured with several replacements of removed pixels, because the result depends on them.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

from optotype.explaining.occlusion import mean_colour
from optotype.metrics.bootstrap import mean_estimate
from reproduce.explanation_results import Areas, Mean

Pixels = NDArray[np.uint8]
Map = NDArray[np.floating]
Probability = Callable[[Pixels], NDArray[np.float64]]
"""Images in, the probability of one class out."""

STEPS: Final = 28
_GREY: Final = 128


def replacements(image: Pixels, other_image: Pixels, patch: int) -> dict[str, Pixels]:
    """Return the replacements of removed pixels, by name.

    Args:
        image: Of shape (height, width, channels).
        other_image: Another image of the same shape.
        patch: Standard deviation in pixels of the blurred image.
    """
    blurred = gaussian_filter(image.astype(np.float64), (patch, patch, 0))
    return {
        "black": np.zeros_like(image),
        "grey": np.full_like(image, _GREY),
        "mean colour": np.asarray(mean_colour(image), np.uint8),
        "blurred image": np.rint(blurred).astype(np.uint8),
        "another image": other_image,
    }


def random_orders(shape: tuple[int, ...], patch: int, rng: np.random.Generator) -> dict[str, Map]:
    """Return maps that do not depend on the image: noise, smoothed noise, and nearness to the centre."""
    height, width = shape[:2]
    y, x = np.mgrid[:height, :width]
    return {
        "random pixels": rng.random((height, width)),
        "random patches": uniform_filter(rng.normal(size=(height, width)), patch),
        "centre first": -np.hypot(y - (height - 1) / 2, x - (width - 1) / 2),
    }


def area(probability: Probability, image: Pixels, replacement: Pixels, order: Map) -> float:
    """Average the probability while pixels are replaced, those with the highest values first.

    Args:
        probability: The probability of the explained class.
        image: Of shape (height, width, channels).
        replacement: The pixels that replace those of the image.
        order: Of shape (height, width).

    Returns:
        The area under the curve over the share of replaced pixels, by the trapezoidal rule; in 0 .. 1.
    """
    rank = np.empty(order.size, np.int64)
    rank[np.argsort(-order.ravel(), kind="stable")] = np.arange(order.size)
    counts = np.arange(STEPS + 1) * order.size // STEPS
    is_replaced = rank.reshape(1, *order.shape, 1) < counts.reshape(-1, 1, 1, 1)
    curve = probability(np.where(is_replaced, replacement, image))
    return float(np.trapezoid(curve, counts / order.size))


def areas(
    probability: Probability, image: Pixels, by_name: dict[str, Pixels], order: Map
) -> tuple[float, float]:
    """Return the areas of deletion and insertion, each as the mean over the replacements."""
    deletion = [area(probability, image, replacement, order) for replacement in by_name.values()]
    insertion = [area(probability, image, replacement, -order) for replacement in by_name.values()]
    return float(np.mean(deletion)), float(np.mean(insertion))


def average(measured: list[dict[str, tuple[float, float]]]) -> dict[str, Areas]:
    """Average the areas of all images, by name."""
    means = {}
    for name in measured[0]:
        both = np.array([of_image[name] for of_image in measured])
        deletion, insertion = (Mean.of(mean_estimate(column)) for column in both.T)
        means[name] = Areas(deletion=deletion, insertion=insertion)
    return means
