"""Models whose reasons are known, because each is a sum of weighted pixels."""

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Flatten
from optotype.models.calibration import Calibration
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe


def linear_model(
    evidence: NDArray[np.float32], calibration: Calibration | None = None, classes: int = 2
) -> Model:
    """Make a model whose first class has the sum of weighted pixels (0 .. 1) as its logit, the others 0.

    Args:
        evidence: The weights, of the shape of an image.
        calibration: Of the model.
        classes: How many there are: "a", "b" and so on.
    """
    kernel = np.zeros((evidence.size, classes), np.float32)
    kernel[:, 0] = evidence.ravel()
    return Model(
        Recipe(layers=(Flatten(),)),
        (evidence.shape[0], evidence.shape[1], evidence.shape[2]),
        tuple("abcdefgh"[:classes]),
        {"1.kernel": kernel, "1.bias": np.zeros(classes, np.float32)},
        calibration=calibration,
    )
