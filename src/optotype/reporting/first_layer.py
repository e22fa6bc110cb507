"""The weights of the first layer as images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.encode import png_uri
from optotype.engine.layers import Conv2D, Dense

if TYPE_CHECKING:
    from optotype.models.model import Model

MAX_KERNELS: Final = 32
"""Units or filters that are shown."""

# Orange for positive and blue for negative weights, from Okabe and Ito (2008); white for zero.
_POSITIVE: Final = np.array([213.0, 94.0, 0.0])
_NEGATIVE: Final = np.array([0.0, 114.0, 178.0])
_WHITE: Final = 255.0


@dataclass(frozen=True)
class FirstWeights:
    """The weights of the first layer.

    Attributes:
        noun: "units" or "filters".
        n: Number of units or filters in the layer.
        is_coloured: Whether the colours are those of the images; otherwise orange is positive and blue negative.
        images: Name and image of each unit or filter that is shown: those with the largest weights, in the order of the
            layer.
    """

    noun: str
    n: int
    is_coloured: bool
    images: tuple[tuple[str, str], ...]


def first_weights(model: "Model") -> FirstWeights | None:
    """Return the kernels that multiply pixels; None if no layer with a kernel sees pixels.

    Args:
        model: Any model.
    """
    for position, layer in enumerate(model.layers):
        if isinstance(layer, Dense | Conv2D):
            kernel = model.weights[f"{position}.kernel"].astype(np.float64)
            if isinstance(layer, Dense):
                names = model.class_names if position == len(model.layers) - 1 else None
                return _first_weights("units", kernel.T.reshape(layer.units, *model.input_shape), names)
            return _first_weights("filters", kernel.transpose(3, 0, 1, 2), None)
        if layer.type == "MaxPooling2D":
            return None
    return None


def _first_weights(noun: str, kernels: NDArray[np.float64], names: Sequence[str] | None) -> FirstWeights:
    """Choose and draw kernels of shape (n, height, width, channels)."""
    n, is_coloured = len(kernels), kernels.shape[3] == 3
    energy = np.square(kernels).sum(axis=(1, 2, 3))
    chosen = np.sort(np.argsort(-energy, kind="stable")[:MAX_KERNELS])
    largest = float(np.abs(kernels[chosen]).max()) or 1.0
    images = tuple(
        (names[i] if names else f"{noun[:-1]} {i}", png_uri(_kernel_image(kernels[i] / largest)))
        for i in chosen
    )
    return FirstWeights(noun, n, is_coloured, images)


def _kernel_image(kernel: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a kernel of shape (height, width, channels), in -1 .. 1, as an image."""
    if kernel.shape[2] == 3:
        # Each filter is scaled by its own largest weight: in colour, the pattern matters.
        scaled = 0.5 + 0.5 * kernel / (np.abs(kernel).max() or 1.0)
        return np.rint(_WHITE * scaled).astype(np.uint8)
    colour = np.where(kernel > 0, _POSITIVE, _NEGATIVE)
    return np.rint(_WHITE + (colour - _WHITE) * np.abs(kernel)).astype(np.uint8)
