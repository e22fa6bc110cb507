"""The layers, as Keras defines and names them, each with its shapes and parameters; defined once, here.

A spec is plain data: it validates itself, travels through TOML and JSON, and knows what it makes of a shape. What it
computes is in csrc/layers. Shapes are those of one sample: (height, width, channels) or (features,).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from optotype.errors import EngineError

Shape = tuple[int, ...]
Activation = Literal["linear", "relu", "tanh", "sigmoid", "softmax"]
Initializer = Literal["glorot_uniform", "random_normal"]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Side = Annotated[int, Field(ge=1, le=128, strict=True)]
Sides = Side | tuple[Side, Side]

_CONFIG = ConfigDict(extra="forbid")
_IMAGE_RANK: Final = 3


@plain_dataclass(frozen=True)
class Parameter:
    """One array of numbers that a layer keeps.

    Attributes:
        name: As in Keras ("kernel", "bias", "gamma", "moving_mean").
        shape: As in Keras: dense kernels (inputs, units), convolutions (height, width, channels, filters).
        initializer: "glorot_uniform", "random_normal", "zeros" or "ones".
        trainable: Whether the optimizer changes it.
    """

    name: str
    shape: Shape
    initializer: Initializer | Literal["zeros", "ones"]
    trainable: bool = True

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def _pair(sides: int | tuple[int, int]) -> tuple[int, int]:
    return (sides, sides) if isinstance(sides, int) else sides


def _image(layer: str, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != _IMAGE_RANK:
        raise EngineError(
            f"{layer} got flat input of shape {shape}, expected (height, width, channels). Put it before Flatten."
        )
    return shape[0], shape[1], shape[2]


def _window(layer: str, shape: Shape, window: tuple[int, int]) -> tuple[int, int, int]:
    height, width, channels = _image(layer, shape)
    if window[0] > height or window[1] > width:
        raise EngineError(
            f"{layer} has a window of {window[0]}x{window[1]} on an image of {height}x{width}, expected one that fits."
            " Use a smaller window or fewer layers before it."
        )
    return height, width, channels


@dataclass(frozen=True, config=_CONFIG)
class Dense:
    """A fully connected layer: activation(x kernel + bias), on flat input.

    Attributes:
        units: Number of outputs.
        activation: "softmax" on the last layer only.
        kernel_initializer: "glorot_uniform" (Glorot and Bengio, 2010, equation 16) or "random_normal" (N(0, 0.05)).
    """

    units: Count
    activation: Activation = "linear"
    kernel_initializer: Initializer = "glorot_uniform"
    type: Literal["Dense"] = field(default="Dense", kw_only=True)

    def output_shape(self, shape: Shape) -> Shape:
        """Give the output's shape for the input's; EngineError where the input is not flat."""
        if len(shape) != 1:
            raise EngineError(
                f"Dense got input of shape {shape}, expected flat input. Put Flatten before it."
            )
        return (self.units,)

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:
        """List the layer's parameters for the input's shape."""
        kernel = Parameter("kernel", (shape[0], self.units), self.kernel_initializer)
        return kernel, Parameter("bias", (self.units,), "zeros")


@dataclass(frozen=True, config=_CONFIG)
class Conv2D:
    """A convolution with stride 1 and a bias.

    Attributes:
        filters: Number of output channels.
        kernel_size: Side of the square window, or (height, width).
        activation: Applied to every output; not "softmax".
        kernel_initializer: As for Dense.
        padding: "valid" for windows inside the image only; "same" for as many outputs as inputs, with zeros around the
            image (of an odd number of them, the larger half below and right, as in Keras).
    """

    filters: Count
    kernel_size: Sides
    activation: Literal["linear", "relu", "tanh", "sigmoid"] = "linear"
    kernel_initializer: Initializer = "glorot_uniform"
    padding: Literal["valid", "same"] = "valid"
    type: Literal["Conv2D"] = field(default="Conv2D", kw_only=True)

    @property
    def window(self) -> tuple[int, int]:
        """The kernel's (height, width)."""
        return _pair(self.kernel_size)

    def output_shape(self, shape: Shape) -> Shape:
        """Give the output's shape for the input's; EngineError where a window without padding does not fit."""
        if self.padding == "same":
            height, width, _ = _image("Conv2D", shape)
            return height, width, self.filters
        height, width, _ = _window("Conv2D", shape, self.window)
        return height - self.window[0] + 1, width - self.window[1] + 1, self.filters

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:
        """List the layer's parameters for the input's shape."""
        kernel = Parameter("kernel", (*self.window, shape[2], self.filters), self.kernel_initializer)
        return kernel, Parameter("bias", (self.filters,), "zeros")


@dataclass(frozen=True, config=_CONFIG)
class MaxPooling2D:
    """The largest value of each window; windows lie side by side, what is left over at the edges is dropped.

    Attributes:
        pool_size: Side of the square window, or (height, width).
    """

    pool_size: Sides = 2
    type: Literal["MaxPooling2D"] = field(default="MaxPooling2D", kw_only=True)

    @property
    def window(self) -> tuple[int, int]:
        """The window's (height, width)."""
        return _pair(self.pool_size)

    def output_shape(self, shape: Shape) -> Shape:
        """Give the output's shape for the input's; EngineError where the window does not fit."""
        height, width, channels = _window("MaxPooling2D", shape, self.window)
        return height // self.window[0], width // self.window[1], channels

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:  # noqa: ARG002 - every layer has the same two methods
        """List the layer's parameters: none."""
        return ()


@dataclass(frozen=True, config=_CONFIG)
class Flatten:
    """The image as one row of features, in the order height, width, channels."""

    type: Literal["Flatten"] = field(default="Flatten", kw_only=True)

    def output_shape(self, shape: Shape) -> Shape:
        """Give the output's shape for the input's."""
        return (math.prod(shape),)

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:  # noqa: ARG002 - every layer has the same two methods
        """List the layer's parameters: none."""
        return ()


@dataclass(frozen=True, config=_CONFIG)
class Dropout:
    """In training, zeroes a random share of the inputs and scales up the others (Srivastava et al., 2014).

    Attributes:
        rate: Share of the inputs to drop, in [0, 1).
    """

    rate: Annotated[float, Field(ge=0, lt=1, strict=True)]
    type: Literal["Dropout"] = field(default="Dropout", kw_only=True)

    def output_shape(self, shape: Shape) -> Shape:
        """Give the output's shape for the input's: the same."""
        return shape

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:  # noqa: ARG002 - every layer has the same two methods
        """List the layer's parameters: none."""
        return ()


@dataclass(frozen=True, config=_CONFIG)
class BatchNormalization:
    """Normalises each channel (of an image) or feature (of a flat input) over the batch (Ioffe and Szegedy, 2015).

    Attributes:
        momentum: Decay of the moving mean and variance that prediction uses, in [0, 1).
        epsilon: Added to the variance.
    """

    momentum: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.99
    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 1e-3
    type: Literal["BatchNormalization"] = field(default="BatchNormalization", kw_only=True)

    def output_shape(self, shape: Shape) -> Shape:
        """Give the output's shape for the input's: the same."""
        return shape

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:
        """List the layer's parameters: scale and shift, and the two moving statistics."""
        width = (shape[-1],)
        return (
            Parameter("gamma", width, "ones"),
            Parameter("beta", width, "zeros"),
            Parameter("moving_mean", width, "zeros", trainable=False),
            Parameter("moving_variance", width, "ones", trainable=False),
        )


Layer = Annotated[
    Dense | Conv2D | MaxPooling2D | Flatten | Dropout | BatchNormalization, Field(discriminator="type")
]


@plain_dataclass(frozen=True)
class LayerRow:
    """One row of a network's table: a layer, the shape it gives, and its parameters."""

    layer: Dense | Conv2D | MaxPooling2D | Flatten | Dropout | BatchNormalization
    input_shape: Shape
    output_shape: Shape
    parameters: tuple[Parameter, ...]

    @property
    def size(self) -> int:
        """How many numbers the layer keeps, trainable or not."""
        return sum(parameter.size for parameter in self.parameters)

    @property
    def trainable_size(self) -> int:
        """How many of them the optimizer changes."""
        return sum(parameter.size for parameter in self.parameters if parameter.trainable)


def describe(layers: Sequence[Layer], input_shape: Shape) -> tuple[LayerRow, ...]:
    """Follow a shape through a list of layers.

    Args:
        layers: The layers, first to last.
        input_shape: Shape of one sample, (height, width, channels).

    Returns:
        One row a layer.

    Raises:
        EngineError: A layer cannot take what comes out of the one before it; the message names its place.
    """
    rows = []
    shape = input_shape
    for place, layer in enumerate(layers):
        try:
            output = layer.output_shape(shape)
        except EngineError as error:
            raise EngineError(f"Layer {place}: {error}") from None
        rows.append(LayerRow(layer, shape, output, layer.parameters(shape)))
        shape = output
    return tuple(rows)


def one_line(layer: Layer) -> str:
    """Describe a layer in a few words: "Conv2D 32 5x5 relu"."""
    match layer:
        case Dense():
            words = [str(layer.units), layer.activation]
        case Conv2D():
            words = [str(layer.filters), _sides(layer.window), layer.activation]
            words += [layer.padding] * (layer.padding != "valid")
        case MaxPooling2D():
            words = [_sides(layer.window)]
        case Dropout():
            words = [f"{layer.rate:g}"]
        case _:
            words = []
    return " ".join([layer.type, *(word for word in words if word != "linear")])


def _sides(window: tuple[int, int]) -> str:
    return f"{window[0]}x{window[1]}"
