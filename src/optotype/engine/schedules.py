"""Learning-rate schedules: pure functions from (schedule, peak rate, number of steps) to one rate per step."""

from dataclasses import field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_CONFIG = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_CONFIG)
class Constant:
    """The optimizer's learning rate at every step."""

    type: Literal["constant"] = field(default="constant", kw_only=True)


@dataclass(frozen=True, config=_CONFIG)
class OneCycle:
    """Up to the peak and down to almost zero, along two half cosines (Smith and Topin, 2018, arXiv:1708.07120).

    The names and defaults are those of PyTorch's OneCycleLR; the peak is the optimizer's learning rate.

    Attributes:
        pct_start: Fraction of the steps that increase the rate, in (0, 1).
        div_factor: The first rate is the peak divided by this.
        final_div_factor: The last rate is the first one divided by this.
    """

    pct_start: Annotated[float, Field(gt=0, lt=1, strict=True)] = 0.3
    div_factor: Annotated[float, Field(ge=1, allow_inf_nan=False, strict=True)] = 25.0
    final_div_factor: Annotated[float, Field(ge=1, allow_inf_nan=False, strict=True)] = 1e4
    type: Literal["one_cycle"] = field(default="one_cycle", kw_only=True)


Schedule = Annotated[Constant | OneCycle, Field(discriminator="type")]


def learning_rates(schedule: Constant | OneCycle, peak: float, steps: int) -> NDArray[np.float32]:
    """Compute the learning rate of every step of a training.

    Args:
        schedule: The schedule.
        peak: The optimizer's learning rate.
        steps: Steps of the whole training, at least 1.

    Returns:
        float32 array of shape (steps,).
    """
    if isinstance(schedule, Constant):
        return np.full(steps, peak, np.float32)
    first = peak / schedule.div_factor
    last = first / schedule.final_div_factor
    # The last step of the rise has the peak rate, and the last step of all has the last rate.
    peak_step = max(schedule.pct_start * steps - 1, 0.5)
    step = np.arange(steps, dtype=np.float64)
    rise = _cosine(first, peak, step / peak_step)
    fall = _cosine(peak, last, (step - peak_step) / max(steps - 1 - peak_step, 0.5))
    return np.where(step <= peak_step, rise, fall).astype(np.float32)


def _cosine(start: float, end: float, fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    return end + (start - end) / 2 * (1 + np.cos(np.pi * np.clip(fraction, 0, 1)))
