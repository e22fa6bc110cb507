"""What every export holds. The temperature is folded into the last layer, so no other software has to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Layer, Shape, describe
from optotype.models.model import Model


@dataclass(frozen=True, eq=False)
class Stage:
    """One layer with its weights.

    Attributes:
        layer: The layer.
        input_shape: Shape of one sample before it.
        output_shape: Shape of one sample after it.
        weights: float32 arrays by the names and in the layout that Keras gives them ("kernel", "moving_mean").
    """

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Content:
    """A model as an export holds it: softmax of the last layer's outputs are the model's calibrated probabilities.

    Attributes:
        recipe: Name of the recipe.
        input_shape: Shape of an image, (height, width, channels).
        scale: What uint8 pixels are multiplied by before the first layer.
        class_names: One name a class.
        stages: The layers, first to last; the last is Dense with softmax.
    """

    recipe: str
    input_shape: tuple[int, int, int]
    scale: float
    class_names: tuple[str, ...]
    stages: tuple[Stage, ...]


def content_of(model: Model) -> Content:
    """Take from a model what an export holds."""
    rows = describe(model.layers, model.input_shape)
    stages = [
        Stage(
            row.layer,
            row.input_shape,
            row.output_shape,
            {each.name: model.weights[f"{place}.{each.name}"] for each in row.parameters},
        )
        for place, row in enumerate(rows)
    ]
    head = stages[-1]
    cooled = {name: values / np.float32(_temperature(model)) for name, values in head.weights.items()}
    stages[-1] = Stage(head.layer, head.input_shape, head.output_shape, cooled)
    return Content(model.recipe.name, model.input_shape, model.recipe.scale, model.class_names, tuple(stages))


def _temperature(model: Model) -> float:
    """Give what the model divides its logits by before softmax: 1 where it was not calibrated."""
    return 1.0 if model.calibration is None else model.calibration.temperature
