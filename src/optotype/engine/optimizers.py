"""Optimizer specs, named and defined as in Keras 3; the arithmetic is in csrc/kernels/optimizers.hpp."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_CONFIG = ConfigDict(extra="forbid")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Decay = Annotated[float, Field(ge=0, lt=1, strict=True)]


@dataclass(frozen=True, config=_CONFIG)
class SGD:
    """Gradient descent, optionally with momentum: v = momentum v - rate g, w += v.

    Attributes:
        learning_rate: Step size, above 0.
        momentum: In [0, 1).
    """

    learning_rate: Positive = 0.01
    momentum: Decay = 0.0
    type: Literal["SGD"] = field(default="SGD", kw_only=True)


@dataclass(frozen=True, config=_CONFIG)
class RMSprop:
    """Steps divided by a running root mean square of the gradient (Tieleman and Hinton, 2012, lecture 6.5).

    Attributes:
        learning_rate: Step size, above 0.
        rho: Decay of the running mean of squares, in [0, 1).
        epsilon: Added to the mean of squares before the root, as in Keras 3.
    """

    learning_rate: Positive = 0.001
    rho: Decay = 0.9
    epsilon: Positive = 1e-7
    type: Literal["RMSprop"] = field(default="RMSprop", kw_only=True)


@dataclass(frozen=True, config=_CONFIG)
class Adam:
    """Adam (Kingma and Ba, 2015, the efficient form at the end of section 2).

    Attributes:
        learning_rate: Step size, above 0.
        beta_1: Decay of the running mean of gradients, in [0, 1).
        beta_2: Decay of the running mean of squared gradients, in [0, 1).
        epsilon: Added to the root of the mean of squares (the paper's "epsilon hat").
    """

    learning_rate: Positive = 0.001
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Positive = 1e-7
    type: Literal["Adam"] = field(default="Adam", kw_only=True)


Optimizer = Annotated[SGD | RMSprop | Adam, Field(discriminator="type")]
