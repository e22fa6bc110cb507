"""Layer specs: output shapes, parameters, validation and one-line descriptions."""

import pytest
from pydantic import TypeAdapter, ValidationError

from optotype.engine.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    Shape,
    describe,
    one_line,
)
from optotype.errors import EngineError


@pytest.mark.parametrize(
    ("layer", "shape", "output", "sizes"),
    [
        (Dense(7), (5,), (7,), (35, 7)),
        (Conv2D(8, 3), (9, 7, 2), (7, 5, 8), (144, 8)),
        (Conv2D(8, (1, 4)), (9, 7, 2), (9, 4, 8), (64, 8)),
        (Conv2D(8, (1, 4), padding="same"), (9, 3, 2), (9, 3, 8), (64, 8)),
        (MaxPooling2D(2), (9, 7, 2), (4, 3, 2), ()),
        (MaxPooling2D((3, 1)), (9, 7, 2), (3, 7, 2), ()),
        (Flatten(), (9, 7, 2), (126,), ()),
        (Dropout(0.5), (9, 7, 2), (9, 7, 2), ()),
        (BatchNormalization(), (9, 7, 2), (9, 7, 2), (2, 2, 2, 2)),
        (BatchNormalization(), (9,), (9,), (9, 9, 9, 9)),
    ],
)
def test_shapes_and_parameters(layer: Layer, shape: Shape, output: Shape, sizes: tuple[int, ...]) -> None:
    """The output shape and the parameters of a layer are those that Keras documents."""
    assert layer.output_shape(shape) == output
    assert tuple(parameter.size for parameter in layer.parameters(shape)) == sizes


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Dense(3),), r"Layer 0: Dense got input of shape \(8, 8, 1\)"),
        ((Flatten(), Conv2D(3, 2)), r"Layer 1: Conv2D got flat input of shape \(64,\)"),
        ((Conv2D(3, 9),), "Layer 0: Conv2D has a window of 9x9 on an image of 8x8"),
        ((MaxPooling2D(4), MaxPooling2D(3)), "Layer 1: MaxPooling2D has a window of 3x3 on an image of 2x2"),
        ((Flatten(), MaxPooling2D(2)), "Layer 1: MaxPooling2D got flat input"),
    ],
)
def test_incompatible_layer_is_named_in_the_error(layers: tuple[Layer, ...], message: str) -> None:
    """The message contains the index of the layer, its type and the shape."""
    with pytest.raises(EngineError, match=message):
        describe(layers, (8, 8, 1))


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "Dense"},
        {"type": "Dense", "units": 0},
        {"type": "Dense", "units": 3.5},
        {"type": "Dense", "units": 3, "activation": "swish"},
        {"type": "Dense", "units": 3, "colour": "red"},
        {"type": "Conv2D", "filters": 3, "kernel_size": [1, 2, 3]},
        {"type": "Conv2D", "filters": 3, "kernel_size": 3, "activation": "softmax"},
        {"type": "Conv2D", "filters": 3, "kernel_size": 3, "padding": "full"},
        {"type": "Dropout", "rate": 1.0},
        {"type": "Dropout", "rate": float("nan")},
        {"type": "BatchNormalization", "epsilon": float("inf")},
        {"type": "Recurrent"},
    ],
)
def test_invalid_specs_are_rejected(spec: dict[str, object]) -> None:
    """A spec validates its fields when it is created."""
    with pytest.raises(ValidationError):
        TypeAdapter(Layer).validate_python(spec)


@pytest.mark.parametrize(
    ("layer", "description"),
    [
        (Dense(10), "Dense 10"),
        (Dense(512, "relu"), "Dense 512 relu"),
        (Conv2D(32, 5, "relu"), "Conv2D 32 5x5 relu"),
        (Conv2D(8, (3, 1)), "Conv2D 8 3x1"),
        (Conv2D(8, 3, "tanh", padding="same"), "Conv2D 8 3x3 tanh same"),
        (MaxPooling2D(2), "MaxPooling2D 2x2"),
        (Dropout(0.2), "Dropout 0.2"),
        (Flatten(), "Flatten"),
        (BatchNormalization(), "BatchNormalization"),
    ],
)
def test_layer_has_a_one_line_description(layer: Layer, description: str) -> None:
    """The description is the type, the main settings, and the activation if it is not linear."""
    assert one_line(layer) == description
