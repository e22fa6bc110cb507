"""Keras's description of a Sequential model as our layers. What cannot be told in them is named, all of it at once.

Only settings that are known are passed over: one that a later Keras adds is refused unless it is off.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final, Literal

from pydantic import ValidationError

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D

Config = Mapping[str, Any]
Shape = tuple[int, ...]

_ACTIVATIONS: Final = ("linear", "relu", "tanh", "sigmoid", "softmax")
# What only training or Keras's own housekeeping looks at.
_PASSED_OVER: Final = frozenset({
    "name", "trainable", "dtype", "build_config", "batch_input_shape", "batch_shape", "input_shape", "seed",
    "noise_shape", "kernel_initializer", "bias_initializer", "beta_initializer", "gamma_initializer",
    "moving_mean_initializer", "moving_variance_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "beta_regularizer", "gamma_regularizer", "kernel_constraint", "bias_constraint",
    "beta_constraint", "gamma_constraint", "renorm_momentum", "synchronized", "sparse", "ragged", "optional",
})  # fmt: skip


class UnsupportedError(Exception):
    """A layer or setting that our layers cannot tell."""


@dataclass(frozen=True)
class Read:
    """One of our layers, and where its weights are.

    Attributes:
        layer: The layer.
        group: Name of the group of weights in a .keras file ("conv2d_1"); "" where it is not Keras's.
        name: Name of the layer, and of its group in an .h5 file.
        parameters: Names of the weights that the file holds, in Keras's order.
    """

    layer: Layer
    group: str = ""
    name: str = ""
    parameters: tuple[str, ...] = ()


@dataclass
class Network:
    """What has been read so far.

    Attributes:
        layers: The layers, softmax inside the last.
        shape: Shape of the input as Keras has it; None while unknown.
        pixels: "unit" after Rescaling(1/255); None where pixels are not scaled.
        problems: What cannot be told, a phrase each.
    """

    layers: list[Read] = field(default_factory=list)
    shape: Shape | None = None
    pixels: Literal["unit", "raw"] | None = None
    problems: list[str] = field(default_factory=list)


def read_layers(entries: list[Any]) -> Network:
    """Translate the layers of a Sequential model.

    Args:
        entries: As the description lists them.
    """
    network = Network()
    seen: Counter[str] = Counter()
    for place, entry in enumerate(entries):
        kind, config = _entry(entry)
        snake = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()
        group = f"{snake}_{seen[snake]}" if seen[snake] else snake
        seen[snake] += 1
        try:
            if network.shape is None:
                network.shape = _declared(config)
            _READERS.get(kind, _unknown)(network, _Settings(config), group)
        except UnsupportedError as error:
            # A name comes from the file, and goes to a terminal.
            network.problems.append(f"layer {place} ({ascii(kind)[1:-1]} {config.get('name')!a}) {error}")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            network.problems.append(f"layer {place} ({kind}) has {first['loc']}: {first['msg']}")
    return network


def _entry(entry: object) -> tuple[str, Config]:
    config = entry.get("config") if isinstance(entry, dict) else None
    kind = entry.get("class_name") if isinstance(entry, dict) else None
    return str(kind)[:100], config if isinstance(config, dict) else {}


def _declared(config: Config) -> Shape | None:
    """Give the input's shape where a layer declares it, without the batch."""
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if not isinstance(shape, list) or not all(
        type(side) is int and 0 < side <= 1 << 24 for side in shape[1:]
    ):
        return None
    return tuple(shape[1:]) or None


class _Settings:
    """A layer's settings, of which each is asked for, or must be off."""

    def __init__(self, config: Config) -> None:
        self._left = {key: value for key, value in config.items() if key not in _PASSED_OVER}
        self.name = str(config.get("name"))
        dtype = config.get("dtype", "float32")
        told = dtype.get("config", {}) if isinstance(dtype, dict) else {"name": dtype}
        if not isinstance(told, dict) or told.get("name") not in ("float32", "uint8", None):
            raise UnsupportedError(f"computes in {ascii(told)[:60]}, expected float32")

    def take(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Give a setting, which is then done with."""
        return self._left.pop(key, default)

    def must(self, key: str, *accepted: object) -> None:
        """Refuse a setting unless it is one of those accepted; one that is not there is the first."""
        value = self.take(key, accepted[0])
        if value not in accepted:
            raise UnsupportedError(f"has {key} = {ascii(value)[:60]}, expected {accepted[0]}")

    def done(self) -> None:
        """Refuse whatever was not asked for and is not off."""
        for key, value in self._left.items():
            if value is not None and value is not False:
                raise UnsupportedError(f"has {ascii(key)[1:-1]} = {ascii(value)[:60]}, expected it to be off")

    def activation(self) -> Any:  # noqa: ANN401 - checked by the layer
        """Give the activation's name."""
        value = self.take("activation", "linear")
        if value not in _ACTIVATIONS:
            raise UnsupportedError(
                f"has activation = {ascii(value)[:60]}, expected one of {', '.join(_ACTIVATIONS)}"
            )
        return value

    def weights(self) -> tuple[str, ...]:
        """Name the weights of a layer with a kernel."""
        return ("kernel", "bias") if self.take("use_bias", default=True) else ("kernel",)


def _unknown(_: Network, __: "_Settings", ___: str) -> None:
    raise UnsupportedError(f"is none of {', '.join(_READERS)}")


def _input(network: Network, settings: _Settings, _: str) -> None:
    settings.done()
    if network.shape is None:
        raise UnsupportedError("gives no fixed shape, expected one")


def _rescaling(network: Network, settings: _Settings, _: str) -> None:
    scale, offset = settings.take("scale"), settings.take("offset", 0)
    settings.done()
    is_number = isinstance(scale, int | float) and isinstance(offset, int | float)
    if network.layers or network.pixels:
        raise UnsupportedError("is not the first layer, expected it there")
    if is_number and offset == 0 and abs(scale * 255 - 1) < 1e-6:
        network.pixels = "unit"
    elif is_number and offset == 0 and scale == 1:
        network.pixels = "raw"
    else:
        raise UnsupportedError(
            f"has scale {ascii(scale)[:60]} and offset {ascii(offset)[:60]}, expected 1/255 and 0"
        )


def _reshape(network: Network, settings: _Settings, _: str) -> None:
    target = settings.take("target_shape")
    settings.done()
    sides = (
        tuple(target)
        if isinstance(target, list) and all(type(each) is int and each > 0 for each in target)
        else ()
    )
    if (
        network.layers
        or network.shape is None
        or len(sides) not in {1, 3}
        or prod(sides) != prod(network.shape)
    ):
        raise UnsupportedError(
            f"has target_shape = {ascii(target)[:60]}, expected the whole image, before other layers"
        )
    network.shape = sides


def _flatten(network: Network, settings: _Settings, group: str) -> None:
    settings.must("data_format", "channels_last", None)
    settings.done()
    network.layers.append(Read(Flatten(), group, settings.name))


def _dense(network: Network, settings: _Settings, group: str) -> None:
    layer = Dense(settings.take("units"), settings.activation())
    names = settings.weights()
    settings.done()
    network.layers.append(Read(layer, group, settings.name, names))


def _conv2d(network: Network, settings: _Settings, group: str) -> None:
    kernel_size, padding = settings.take("kernel_size"), settings.take("padding", "valid")
    layer = Conv2D(settings.take("filters"), _sides(kernel_size), settings.activation(), padding=padding)
    names = settings.weights()
    settings.must("strides", [1, 1], 1)
    settings.must("dilation_rate", [1, 1], 1)
    settings.must("groups", 1)
    settings.must("data_format", "channels_last", None)
    settings.done()
    network.layers.append(Read(layer, group, settings.name, names))


def _max_pooling(network: Network, settings: _Settings, group: str) -> None:
    pool_size = settings.take("pool_size", [2, 2])
    layer = MaxPooling2D(_sides(pool_size))
    settings.must("strides", pool_size, list(layer.window), None)
    settings.must("padding", "valid")
    settings.must("data_format", "channels_last", None)
    settings.done()
    network.layers.append(Read(layer, group, settings.name))


def _dropout(network: Network, settings: _Settings, group: str) -> None:
    rate = settings.take("rate")
    settings.done()
    network.layers.append(Read(Dropout(rate or 0.0), group, settings.name))


def _normalization(network: Network, settings: _Settings, group: str) -> None:
    layer = BatchNormalization(settings.take("momentum", 0.99), settings.take("epsilon", 1e-3))
    names = ("gamma",) * bool(settings.take("scale", default=True))
    names += ("beta",) * bool(settings.take("center", default=True))
    is_flat = any(isinstance(each.layer, Flatten | Dense) for each in network.layers)
    rank = 1 if is_flat or (network.shape is not None and len(network.shape) == 1) else 3
    settings.must("axis", -1, rank, [-1], [rank])
    settings.done()
    network.layers.append(Read(layer, group, settings.name, (*names, "moving_mean", "moving_variance")))


def _activation(network: Network, settings: _Settings, _: str) -> None:
    _activate(network, settings, settings.activation())


def _relu(network: Network, settings: _Settings, _: str) -> None:
    for name in ("negative_slope", "threshold", "max_value"):
        settings.must(name, 0, None)
    _activate(network, settings, "relu")


def _softmax(network: Network, settings: _Settings, _: str) -> None:
    settings.must("axis", -1)
    _activate(network, settings, "softmax")


def _activate(network: Network, settings: _Settings, activation: Any) -> None:  # noqa: ANN401 - checked by the layer
    """Give the layer before an activation, which is a layer of its own in Keras."""
    settings.done()
    if activation == "linear":
        return
    before = network.layers[-1] if network.layers else None
    if before is None or not isinstance(before.layer, Dense | Conv2D) or before.layer.activation != "linear":
        raise UnsupportedError("does not follow a Dense or Conv2D layer without activation, expected that")
    network.layers[-1] = replace(before, layer=replace(before.layer, activation=activation))


def _sides(value: object) -> Any:  # noqa: ANN401 - checked by the layer
    return tuple(value) if isinstance(value, list) else value


_READERS: Final[Mapping[str, Callable[[Network, _Settings, str], None]]] = {
    "InputLayer": _input,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Dense": _dense,
    "Conv2D": _conv2d,
    "MaxPooling2D": _max_pooling,
    "Dropout": _dropout,
    "BatchNormalization": _normalization,
    "Activation": _activation,
    "ReLU": _relu,
    "Softmax": _softmax,
}
