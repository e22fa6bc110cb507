"""Layer specs, named and defined as in Keras, with their output shapes and parameters.

A spec is plain data that validates itself and is stored in TOML and JSON. The computation is in csrc/layers, which
reads the fields of a spec by name. Shapes are those of one sample: (height, width, channels) or (features,).
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
    """One parameter array of a layer.

    Attributes:
        name: As in Keras ("kernel", "bias", "gamma", "moving_mean").
        shape: As in Keras: dense kernels (inputs, units), convolutions (height, width, channels, filters).
        initializer: "glorot_uniform", "random_normal", "zeros" or "ones".
        trainable: Whether the optimizer updates it.
    """

    name: str
    shape: Shape
    initializer: Initializer | Literal["zeros", "ones"]
    trainable: bool = True

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class LayerSpec:
    """The defaults of a layer: the output has the shape of the input, and there are no parameters."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the output shape for an input shape.

        Raises:
            EngineError: If the layer cannot take this input.
        """
        return shape

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:  # noqa: ARG002 - most layers need it
        """Return the parameters for an input shape, in the order of Keras."""
        return ()

    def details(self) -> tuple[str, ...]:
        """Return the words that describe the layer in one line, after its type."""
        return ()


def _pair(sides: int | tuple[int, int]) -> tuple[int, int]:
    return (sides, sides) if isinstance(sides, int) else sides


def _check_is_image(layer: str, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != _IMAGE_RANK:
        raise EngineError(
            f"{layer} got flat input of shape {shape}, expected (height, width, channels). Put it before Flatten."
        )
    return shape[0], shape[1], shape[2]


def _check_window_fits(layer: str, shape: Shape, window: tuple[int, int]) -> tuple[int, int, int]:
    height, width, channels = _check_is_image(layer, shape)
    if window[0] > height or window[1] > width:
        raise EngineError(
            f"{layer} has a window of {window[0]}x{window[1]} on an image of {height}x{width}, expected a window that"
            " fits. Use a smaller window or fewer layers before it."
        )
    return height, width, channels


def _format_window(window: tuple[int, int]) -> str:
    return f"{window[0]}x{window[1]}"


@dataclass(frozen=True, config=_CONFIG)
class Dense(LayerSpec):
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
        """Return (units,); the input must be flat."""
        if len(shape) != 1:
            raise EngineError(
                f"Dense got input of shape {shape}, expected flat input. Put Flatten before it."
            )
        return (self.units,)

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:
        """Return the kernel and the bias."""
        kernel = Parameter("kernel", (shape[0], self.units), self.kernel_initializer)
        return kernel, Parameter("bias", (self.units,), "zeros")

    def details(self) -> tuple[str, ...]:
        """Return the units and the activation."""
        return str(self.units), self.activation


@dataclass(frozen=True, config=_CONFIG)
class Conv2D(LayerSpec):
    """A convolution with stride 1 and a bias.

    Attributes:
        filters: Number of output channels.
        kernel_size: Side of the square window, or (height, width).
        activation: Applied to every output; not "softmax".
        kernel_initializer: As for Dense.
        padding: "valid" for windows inside the image only; "same" for an output of the size of the input, with zeros
            around the image (if their number is odd, the larger half is below and right, as in Keras).
    """

    filters: Count
    kernel_size: Sides
    activation: Literal["linear", "relu", "tanh", "sigmoid"] = "linear"
    kernel_initializer: Initializer = "glorot_uniform"
    padding: Literal["valid", "same"] = "valid"
    type: Literal["Conv2D"] = field(default="Conv2D", kw_only=True)

    @property
    def window(self) -> tuple[int, int]:
        """The (height, width) of the kernel."""
        return _pair(self.kernel_size)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (height, width, filters); a window without padding must fit into the image."""
        if self.padding == "same":
            height, width, _ = _check_is_image("Conv2D", shape)
            return height, width, self.filters
        height, width, _ = _check_window_fits("Conv2D", shape, self.window)
        return height - self.window[0] + 1, width - self.window[1] + 1, self.filters

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:
        """Return the kernel and the bias."""
        kernel = Parameter("kernel", (*self.window, shape[2], self.filters), self.kernel_initializer)
        return kernel, Parameter("bias", (self.filters,), "zeros")

    def details(self) -> tuple[str, ...]:
        """Return the filters, the window, the activation and the padding."""
        padding = () if self.padding == "valid" else (self.padding,)
        return str(self.filters), _format_window(self.window), self.activation, *padding


@dataclass(frozen=True, config=_CONFIG)
class MaxPooling2D(LayerSpec):
    """The maximum of each window. Windows do not overlap; pixels that remain at the edges are dropped.

    Attributes:
        pool_size: Side of the square window, or (height, width).
    """

    pool_size: Sides = 2
    type: Literal["MaxPooling2D"] = field(default="MaxPooling2D", kw_only=True)

    @property
    def window(self) -> tuple[int, int]:
        """The (height, width) of the window."""
        return _pair(self.pool_size)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (height, width, channels); the window must fit into the image."""
        height, width, channels = _check_window_fits("MaxPooling2D", shape, self.window)
        return height // self.window[0], width // self.window[1], channels

    def details(self) -> tuple[str, ...]:
        """Return the window."""
        return (_format_window(self.window),)


@dataclass(frozen=True, config=_CONFIG)
class Flatten(LayerSpec):
    """The image as one row of features, in the order height, width, channels."""

    type: Literal["Flatten"] = field(default="Flatten", kw_only=True)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (height x width x channels,)."""
        return (math.prod(shape),)


@dataclass(frozen=True, config=_CONFIG)
class Dropout(LayerSpec):
    """In training, sets a random fraction of the inputs to zero and scales up the others (Srivastava et al., 2014).

    Attributes:
        rate: Fraction of the inputs to drop, in [0, 1).
    """

    rate: Annotated[float, Field(ge=0, lt=1, strict=True)]
    type: Literal["Dropout"] = field(default="Dropout", kw_only=True)

    def details(self) -> tuple[str, ...]:
        """Return the rate."""
        return (f"{self.rate:g}",)


@dataclass(frozen=True, config=_CONFIG)
class BatchNormalization(LayerSpec):
    """Normalizes each channel (of an image) or feature (of a flat input) over the batch (Ioffe and Szegedy, 2015).

    Attributes:
        momentum: Decay of the moving mean and variance that prediction uses, in [0, 1).
        epsilon: Added to the variance.
    """

    momentum: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.99
    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 1e-3
    type: Literal["BatchNormalization"] = field(default="BatchNormalization", kw_only=True)

    def parameters(self, shape: Shape) -> tuple[Parameter, ...]:
        """Return scale and shift, and the two moving statistics."""
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
    """A layer of a network with its input shape, its output shape and its parameters."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: tuple[Parameter, ...]

    @property
    def size(self) -> int:
        """Number of elements of all parameters, trainable or not."""
        return sum(parameter.size for parameter in self.parameters)

    @property
    def trainable_size(self) -> int:
        """Number of elements of the trainable parameters."""
        return sum(parameter.size for parameter in self.parameters if parameter.trainable)


def describe(layers: Sequence[Layer], input_shape: Shape) -> tuple[LayerRow, ...]:
    """Compute the shapes and parameters of a list of layers.

    Args:
        layers: The layers, first to last.
        input_shape: Shape of one sample, (height, width, channels).

    Returns:
        One row per layer.

    Raises:
        EngineError: If a layer cannot take the output of the layer before it; the message names its index.
    """
    rows = []
    shape = input_shape
    for index, layer in enumerate(layers):
        try:
            output = layer.output_shape(shape)
        except EngineError as error:
            raise EngineError(f"Layer {index}: {error}") from None
        rows.append(LayerRow(layer, shape, output, layer.parameters(shape)))
        shape = output
    return tuple(rows)


def one_line(layer: Layer) -> str:
    """Describe a layer in a few words: "Conv2D 32 5x5 relu"."""
    return " ".join([layer.type, *(word for word in layer.details() if word != "linear")])
