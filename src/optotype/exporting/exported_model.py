"""A model as every export contains it: the temperature is folded into the last layer, so no reader has to know it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Layer, Shape, describe
from optotype.models.model import Model


@dataclass(frozen=True, eq=False)
class ExportedLayer:
    """A layer with its weights.

    Attributes:
        layer: The layer.
        input_shape: Shape of one sample before it.
        output_shape: Shape of one sample after it.
        weights: float32 arrays with Keras's names ("kernel", "moving_mean") and in Keras's layout.
    """

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A model for export: softmax of the last layer's outputs gives the model's calibrated probabilities.

    Attributes:
        recipe: Name of the recipe.
        input_shape: Shape of an image, (height, width, channels).
        scale: Factor by which uint8 pixels are multiplied before the first layer.
        class_names: One name per class.
        layers: The layers, first to last; the last one is Dense with softmax.
    """

    recipe: str
    input_shape: tuple[int, int, int]
    scale: float
    class_names: tuple[str, ...]
    layers: tuple[ExportedLayer, ...]


def fold_temperature(model: Model) -> ExportedModel:
    """Return a model for export, its last layer's weights divided by the temperature (1 without calibration)."""
    rows = describe(model.layers, model.input_shape)
    layers = [
        ExportedLayer(
            row.layer,
            row.input_shape,
            row.output_shape,
            {parameter.name: model.weights[f"{index}.{parameter.name}"] for parameter in row.parameters},
        )
        for index, row in enumerate(rows)
    ]
    temperature = np.float32(1.0 if model.calibration is None else model.calibration.temperature)
    head = layers[-1]
    weights = {name: values / temperature for name, values in head.weights.items()}
    layers[-1] = ExportedLayer(head.layer, head.input_shape, head.output_shape, weights)
    return ExportedModel(
        model.recipe.name, model.input_shape, model.recipe.scale, model.class_names, tuple(layers)
    )
