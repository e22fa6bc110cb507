"""Models with known explanations: each logit is a sum of weighted pixels."""

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Flatten
from optotype.models.calibration import Calibration
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe


def linear_model(
    pixel_weights: NDArray[np.float32], calibration: Calibration | None = None, classes: int = 2
) -> Model:
    """Return a model whose first logit is the sum of weighted pixels (0 .. 1) and whose other logits are 0.

    Args:
        pixel_weights: The weights, in the shape of an image.
        calibration: The calibration of the model.
        classes: Number of classes: "a", "b" and so on.
    """
    kernel = np.zeros((pixel_weights.size, classes), np.float32)
    kernel[:, 0] = pixel_weights.ravel()
    return Model(
        Recipe(layers=(Flatten(),)),
        (pixel_weights.shape[0], pixel_weights.shape[1], pixel_weights.shape[2]),
        tuple("abcdefgh"[:classes]),
        {"1.kernel": kernel, "1.bias": np.zeros(classes, np.float32)},
        calibration=calibration,
    )
