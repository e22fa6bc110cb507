"""Translate Keras's description of a Sequential model into optotype's layers; all unsupported parts are listed at once.

Only known settings are ignored: a setting that a later version of Keras adds is rejected unless it is off.
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
# Settings without effect on predictions.
_IGNORED: Final = frozenset({
    "name", "trainable", "dtype", "build_config", "batch_input_shape", "batch_shape", "input_shape", "seed",
    "noise_shape", "kernel_initializer", "bias_initializer", "beta_initializer", "gamma_initializer",
    "moving_mean_initializer", "moving_variance_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "beta_regularizer", "gamma_regularizer", "kernel_constraint", "bias_constraint",
    "beta_constraint", "gamma_constraint", "renorm_momentum", "synchronized", "sparse", "ragged", "optional",
})  # fmt: skip


class UnsupportedError(Exception):
    """A layer or setting that optotype does not have."""


@dataclass(frozen=True)
class TranslatedLayer:
    """A layer with the place of its weights in the file.

    Attributes:
        layer: The layer.
        group: Name of the group of weights in a .keras file ("conv2d_1"); "" for an added layer.
        name: Name of the layer, and of its group in an .h5 file.
        parameters: Names of the weights in the file, in Keras's order.
    """

    layer: Layer
    group: str = ""
    name: str = ""
    parameters: tuple[str, ...] = ()


@dataclass
class TranslatedNetwork:
    """A network while it is translated.

    Attributes:
        layers: The layers; softmax is the activation of the last one.
        shape: Shape of the input in Keras; None while unknown.
        pixels: "unit" after Rescaling(1/255), "raw" after Rescaling(1); None without Rescaling.
        problems: One phrase for each unsupported layer or setting.
    """

    layers: list[TranslatedLayer] = field(default_factory=list)
    shape: Shape | None = None
    pixels: Literal["unit", "raw"] | None = None
    problems: list[str] = field(default_factory=list)


def translate_layers(entries: list[Any]) -> TranslatedNetwork:
    """Translate the layers of a Sequential model.

    Args:
        entries: The layers in the description.
    """
    network = TranslatedNetwork()
    group_counts: Counter[str] = Counter()
    for index, entry in enumerate(entries):
        class_name, config = _class_and_config(entry)
        snake = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", class_name)).lower()
        group = f"{snake}_{group_counts[snake]}" if group_counts[snake] else snake
        group_counts[snake] += 1
        try:
            if network.shape is None:
                network.shape = _declared_shape(config)
            _TRANSLATORS.get(class_name, _unknown)(network, _Settings(config), group)
        except UnsupportedError as error:
            # The file's names are escaped: they must not control a terminal.
            network.problems.append(
                f"layer {index} ({ascii(class_name)[1:-1]} {config.get('name')!a}) {error}"
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            network.problems.append(f"layer {index} ({class_name}) has {first['loc']}: {first['msg']}")
    return network


def _class_and_config(entry: object) -> tuple[str, Config]:
    config = entry.get("config") if isinstance(entry, dict) else None
    class_name = entry.get("class_name") if isinstance(entry, dict) else None
    return str(class_name)[:100], config if isinstance(config, dict) else {}


def _declared_shape(config: Config) -> Shape | None:
    """Return the input's shape without the batch if the layer declares it, else None."""
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if not isinstance(shape, list) or not all(
        type(side) is int and 0 < side <= 1 << 24 for side in shape[1:]
    ):
        return None
    return tuple(shape[1:]) or None


class _Settings:
    """A layer's settings; each one must be used, ignorable or off."""

    def __init__(self, config: Config) -> None:
        self._unused = {key: value for key, value in config.items() if key not in _IGNORED}
        self.name = str(config.get("name"))
        dtype = config.get("dtype", "float32")
        policy = dtype.get("config", {}) if isinstance(dtype, dict) else {"name": dtype}
        if not isinstance(policy, dict) or policy.get("name") not in ("float32", "uint8", None):
            raise UnsupportedError(f"computes in {ascii(policy)[:60]}, expected float32")

    def pop(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return a setting and mark it as used."""
        return self._unused.pop(key, default)

    def require(self, key: str, *accepted: object) -> None:
        """Check that a setting has one of the accepted values; the first one is the default."""
        value = self.pop(key, accepted[0])
        if value not in accepted:
            raise UnsupportedError(f"has {key} = {ascii(value)[:60]}, expected {accepted[0]}")

    def check_unused(self) -> None:
        """Check that all unused settings are off."""
        for key, value in self._unused.items():
            if value is not None and value is not False:
                raise UnsupportedError(f"has {ascii(key)[1:-1]} = {ascii(value)[:60]}, expected it to be off")

    def activation(self) -> Any:  # noqa: ANN401 - checked by the layer
        """Return the activation's name."""
        value = self.pop("activation", "linear")
        if value not in _ACTIVATIONS:
            raise UnsupportedError(
                f"has activation = {ascii(value)[:60]}, expected one of {', '.join(_ACTIVATIONS)}"
            )
        return value

    def weight_names(self) -> tuple[str, ...]:
        """Return the names of the weights of a layer with a kernel."""
        return ("kernel", "bias") if self.pop("use_bias", default=True) else ("kernel",)


def _unknown(_: TranslatedNetwork, __: "_Settings", ___: str) -> None:
    raise UnsupportedError(f"is not one of {', '.join(_TRANSLATORS)}")


def _input(network: TranslatedNetwork, settings: _Settings, _: str) -> None:
    settings.check_unused()
    if network.shape is None:
        raise UnsupportedError("has no fixed shape, expected one")


def _rescaling(network: TranslatedNetwork, settings: _Settings, _: str) -> None:
    scale, offset = settings.pop("scale"), settings.pop("offset", 0)
    settings.check_unused()
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


def _reshape(network: TranslatedNetwork, settings: _Settings, _: str) -> None:
    target = settings.pop("target_shape")
    settings.check_unused()
    sides = (
        tuple(target)
        if isinstance(target, list) and all(type(side) is int and side > 0 for side in target)
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


def _flatten(network: TranslatedNetwork, settings: _Settings, group: str) -> None:
    settings.require("data_format", "channels_last", None)
    settings.check_unused()
    network.layers.append(TranslatedLayer(Flatten(), group, settings.name))


def _dense(network: TranslatedNetwork, settings: _Settings, group: str) -> None:
    layer = Dense(settings.pop("units"), settings.activation())
    names = settings.weight_names()
    settings.check_unused()
    network.layers.append(TranslatedLayer(layer, group, settings.name, names))


def _conv2d(network: TranslatedNetwork, settings: _Settings, group: str) -> None:
    kernel_size, padding = settings.pop("kernel_size"), settings.pop("padding", "valid")
    layer = Conv2D(settings.pop("filters"), _sides(kernel_size), settings.activation(), padding=padding)
    names = settings.weight_names()
    settings.require("strides", [1, 1], 1)
    settings.require("dilation_rate", [1, 1], 1)
    settings.require("groups", 1)
    settings.require("data_format", "channels_last", None)
    settings.check_unused()
    network.layers.append(TranslatedLayer(layer, group, settings.name, names))


def _max_pooling(network: TranslatedNetwork, settings: _Settings, group: str) -> None:
    pool_size = settings.pop("pool_size", [2, 2])
    layer = MaxPooling2D(_sides(pool_size))
    settings.require("strides", pool_size, list(layer.window), None)
    settings.require("padding", "valid")
    settings.require("data_format", "channels_last", None)
    settings.check_unused()
    network.layers.append(TranslatedLayer(layer, group, settings.name))


def _dropout(network: TranslatedNetwork, settings: _Settings, group: str) -> None:
    rate = settings.pop("rate")
    settings.check_unused()
    network.layers.append(TranslatedLayer(Dropout(rate or 0.0), group, settings.name))


def _normalization(network: TranslatedNetwork, settings: _Settings, group: str) -> None:
    layer = BatchNormalization(settings.pop("momentum", 0.99), settings.pop("epsilon", 1e-3))
    names = ("gamma",) * bool(settings.pop("scale", default=True))
    names += ("beta",) * bool(settings.pop("center", default=True))
    is_flat = any(isinstance(translated.layer, Flatten | Dense) for translated in network.layers)
    rank = 1 if is_flat or (network.shape is not None and len(network.shape) == 1) else 3
    settings.require("axis", -1, rank, [-1], [rank])
    settings.check_unused()
    network.layers.append(
        TranslatedLayer(layer, group, settings.name, (*names, "moving_mean", "moving_variance"))
    )


def _activation(network: TranslatedNetwork, settings: _Settings, _: str) -> None:
    _move_activation(network, settings, settings.activation())


def _relu(network: TranslatedNetwork, settings: _Settings, _: str) -> None:
    for name in ("negative_slope", "threshold", "max_value"):
        settings.require(name, 0, None)
    _move_activation(network, settings, "relu")


def _softmax(network: TranslatedNetwork, settings: _Settings, _: str) -> None:
    settings.require("axis", -1)
    _move_activation(network, settings, "softmax")


def _move_activation(network: TranslatedNetwork, settings: _Settings, activation: Any) -> None:  # noqa: ANN401 - checked by the layer
    """Move an activation, which may be a separate layer in Keras, into the layer before it."""
    settings.check_unused()
    if activation == "linear":
        return
    previous = network.layers[-1] if network.layers else None
    if (
        previous is None
        or not isinstance(previous.layer, Dense | Conv2D)
        or previous.layer.activation != "linear"
    ):
        raise UnsupportedError("does not follow a Dense or Conv2D layer without activation")
    network.layers[-1] = replace(previous, layer=replace(previous.layer, activation=activation))


def _sides(value: object) -> Any:  # noqa: ANN401 - checked by the layer
    return tuple(value) if isinstance(value, list) else value


_TRANSLATORS: Final[Mapping[str, Callable[[TranslatedNetwork, _Settings, str], None]]] = {
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
