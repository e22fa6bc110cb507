"""Initial values of parameters, named and defined as in Keras; they depend on a key only."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Parameter, Shape
from optotype.randomness import normal, uniform

_NORMAL_DEVIATION: Final = 0.05  # the default of Keras's RandomNormal


def initial_values(parameter: Parameter, key: int) -> NDArray[np.float32]:
    """Draw the initial values of a parameter.

    "glorot_uniform" is uniform within sqrt(6 / (fan in + fan out)) of zero (Glorot and Bengio, 2010, equation 16),
    "random_normal" is N(0, 0.05).

    Args:
        parameter: Its shape and initializer.
        key: The key of the random numbers.

    Returns:
        float32 array of the parameter's shape.
    """
    match parameter.initializer:
        case "glorot_uniform":
            limit = math.sqrt(6.0 / sum(_fans(parameter.shape)))
            values = (2.0 * uniform(parameter.size, key) - 1.0) * limit
        case "random_normal":
            values = normal(parameter.size, key) * _NORMAL_DEVIATION
        case "zeros":
            values = np.zeros(parameter.size)
        case "ones":
            values = np.ones(parameter.size)
    return values.reshape(parameter.shape).astype(np.float32)


def _fans(shape: Shape) -> tuple[int, int]:
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]
