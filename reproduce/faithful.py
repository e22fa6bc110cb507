"""Deletion and insertion: how soon an answer goes when pixels are taken away in an order, and how soon it is back.

V. Petsiuk, A. Das, K. Saenko, RISE: randomized input sampling for explanation of black-box models, BMVC 2018, section
4.2. Each is measured with several things in the place of a pixel, as what is put there decides much of the result.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

from optotype.explaining.occlusion import mean_colour
from optotype.metrics.bootstrap import mean_estimate
from reproduce.reasons import Areas, Mean

Pixels = NDArray[np.uint8]
Map = NDArray[np.floating]
Probability = Callable[[Pixels], NDArray[np.float64]]
"""Images in, the probability of one class out."""

STEPS: Final = 28
_GREY: Final = 128


def fills(image: Pixels, other: Pixels, patch: int) -> dict[str, Pixels]:
    """Give what may take the place of pixels, by name.

    Args:
        image: Of shape (height, width, channels).
        other: Another image of that shape.
        patch: The blurred image is blurred with this standard deviation, in pixels.
    """
    blurred = gaussian_filter(image.astype(np.float64), (patch, patch, 0))
    return {
        "black": np.zeros_like(image),
        "grey": np.full_like(image, _GREY),
        "the mean colour": np.asarray(mean_colour(image), np.uint8),
        "the blurred image": np.rint(blurred).astype(np.uint8),
        "another image": other,
    }


def random_orders(shape: tuple[int, ...], patch: int, rng: np.random.Generator) -> dict[str, Map]:
    """Give maps that know nothing of the image: noise, noise as smooth as a map of patches, nearness to the middle."""
    height, width = shape[:2]
    y, x = np.mgrid[:height, :width]
    return {
        "random pixels": rng.random((height, width)),
        "random patches": uniform_filter(rng.normal(size=(height, width)), patch),
        "from the middle": -np.hypot(y - (height - 1) / 2, x - (width - 1) / 2),
    }


def area(probability: Probability, image: Pixels, gone: Pixels, order: Map) -> float:
    """Average the probability while pixels go, those with the highest values first.

    Args:
        probability: Of the class that is explained.
        image: Of shape (height, width, channels).
        gone: What takes the pixels' places.
        order: Of shape (height, width).

    Returns:
        The area under the curve over the share of pixels gone, by the trapezoidal rule; in 0 .. 1.
    """
    rank = np.empty(order.size, np.int64)
    rank[np.argsort(-order.ravel(), kind="stable")] = np.arange(order.size)
    counts = np.arange(STEPS + 1) * order.size // STEPS
    taken = rank.reshape(1, *order.shape, 1) < counts.reshape(-1, 1, 1, 1)
    curve = probability(np.where(taken, gone, image))
    return float(np.trapezoid(curve, counts / order.size))


def areas(
    probability: Probability, image: Pixels, ways: dict[str, Pixels], order: Map
) -> tuple[float, float]:
    """Give the areas of deletion and insertion, each the mean over what takes the pixels' places."""
    deletion = [area(probability, image, gone, order) for gone in ways.values()]
    insertion = [area(probability, image, gone, -order) for gone in ways.values()]
    return float(np.mean(deletion)), float(np.mean(insertion))


def summarized(measured: list[dict[str, tuple[float, float]]]) -> dict[str, Areas]:
    """Average what `areas` gave for each image, by name."""
    found = {}
    for name in measured[0]:
        both = np.array([each[name] for each in measured])
        deletion, insertion = (Mean.of(mean_estimate(column)) for column in both.T)
        found[name] = Areas(deletion=deletion, insertion=insertion)
    return found
