"""What the first layer looks for: its weights as images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.encode import png_uri
from optotype.engine.layers import Conv2D, Dense
from optotype.models.model import Model

MOST: Final = 32
"""Units or filters that are shown."""

# Orange for positive and blue for negative weights, of Okabe and Ito (2008); white for none.
_POSITIVE: Final = np.array([213.0, 94.0, 0.0])
_NEGATIVE: Final = np.array([0.0, 114.0, 178.0])
_WHITE: Final = 255.0


@dataclass(frozen=True)
class Weights:
    """The first layer's weights.

    Attributes:
        of: "units" or "filters".
        n: How many the layer has.
        coloured: Whether the colours are those of the images; else orange is positive and blue negative.
        pictures: Name and picture of each that is shown, those with the largest weights, in the layer's order.
    """

    of: str
    n: int
    coloured: bool
    pictures: tuple[tuple[str, str], ...]


def first_weights(model: Model) -> Weights | None:
    """Show what the first layer with a kernel multiplies pixels by; None where there is none that sees pixels.

    Args:
        model: Any.
    """
    for place, layer in enumerate(model.layers):
        if isinstance(layer, Dense | Conv2D):
            kernel = model.weights[f"{place}.kernel"].astype(np.float64)
            if isinstance(layer, Dense):
                names = model.class_names if place == len(model.layers) - 1 else None
                return _shown("units", kernel.T.reshape(layer.units, *model.input_shape), names)
            return _shown("filters", kernel.transpose(3, 0, 1, 2), None)
        if layer.type == "MaxPooling2D":
            return None
    return None


def _shown(of: str, kernels: NDArray[np.float64], names: Sequence[str] | None) -> Weights:
    """Show kernels of shape (n, height, width, channels)."""
    n, coloured = len(kernels), kernels.shape[3] == 3
    chosen = np.sort(np.argsort(-np.square(kernels).sum(axis=(1, 2, 3)), kind="stable")[:MOST])
    largest = float(np.abs(kernels[chosen]).max()) or 1.0
    pictures = tuple(
        (names[i] if names else f"{of[:-1]} {i}", png_uri(_picture(kernels[i] / largest))) for i in chosen
    )
    return Weights(of, n, coloured, pictures)


def _picture(kernel: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Give a kernel of shape (height, width, channels), in -1 .. 1, as an image."""
    if kernel.shape[2] == 3:
        # Each filter by its own largest weight: in colour, what counts is the pattern.
        scaled = 0.5 + 0.5 * kernel / (np.abs(kernel).max() or 1.0)
        return np.rint(_WHITE * scaled).astype(np.uint8)
    side = np.where(kernel > 0, _POSITIVE, _NEGATIVE)
    return np.rint(_WHITE + (side - _WHITE) * np.abs(kernel)).astype(np.uint8)
