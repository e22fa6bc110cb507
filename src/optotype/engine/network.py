"""A network that trains and predicts: thin, typed Python over the native engine.

Arrays in, arrays out; no files, no policy. Every method that runs long releases the interpreter's lock, and lets
Ctrl-C through between two steps, with the weights as the last whole step left them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.engine import _core
from optotype.engine.augmentation import Augment, as_native
from optotype.engine.initializers import initial_values
from optotype.engine.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerRow,
    MaxPooling2D,
    Parameter,
    describe,
)
from optotype.engine.optimizers import SGD, Adam, Optimizer, RMSprop
from optotype.engine.processor import Precision, chosen_arithmetic, chosen_threads
from optotype.errors import EngineError
from optotype.randomness import combine

Images = NDArray[np.uint8] | NDArray[np.float32]
Report = Callable[[int], object]

_BYTE: Final = 255.0
_MOST_FEATURES: Final = 1 << 24


@dataclass(frozen=True)
class EpochTotals:
    """What an epoch of training came to.

    Attributes:
        loss: Mean cross-entropy over the images, in nats, each taken before its step changed the weights.
        accuracy: Share of them that were classified right, likewise.
        images: How many images were trained on.
        steps: How many steps were made.
        finite: Whether every loss was a number. If not, the epoch ended before the step that was not.
    """

    loss: float
    accuracy: float
    images: int
    steps: int
    finite: bool


class Network:
    """A list of layers with weights, on one instruction set and a number of threads.

    Training gives the same bits for any number of threads.

    Args:
        layers: The layers, the last of them Dense with one unit for each class; its softmax, if named, belongs to
            the loss, and the network itself answers with logits.
        input_shape: (height, width, channels) of an image.
        scale: What a pixel's byte is multiplied by: 1/255, or 1 for raw pixels. Images as float32 in 0..1 are
            multiplied so that both kinds agree.
        threads: By default every core.
        isa: Instruction set; by default the environment variable OPTOTYPE_ISA, else the best there is.
        precision: Of the operands of products in training: "fp32", or "bf16" (bfloat16, with sums and weights in
            single precision) where the instruction set is "amx"; "auto" takes bf16 there and fp32 elsewhere.
            Prediction is in fp32 unless asked otherwise.

    Attributes:
        isa: The instruction set in use; in fp32 never "amx".
        precision: The precision in use, "fp32" or "bf16".
        threads: The number of threads in use.
        classes: How many logits come out.
        rows: The layers with their shapes and parameters.

    Raises:
        EngineError: The layers do not fit together or end wrongly, or the processor cannot do what is asked.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: tuple[int, int, int],
        *,
        scale: float = 1 / _BYTE,
        threads: int | None = None,
        isa: str | None = None,
        precision: Precision | Literal["auto"] = "fp32",
    ) -> None:
        self.rows: tuple[LayerRow, ...] = describe(layers, input_shape)
        _check_ends(layers, self.rows)
        self.isa, self.precision = chosen_arithmetic(precision, isa)
        self.threads = chosen_threads(threads)
        self.classes = int(self.rows[-1].output_shape[0])
        self._input_shape = input_shape
        self._scale = scale
        self._core, self._places = self._built(layers)
        self._batch_size = 0

    def initialize(self, seed: int) -> None:
        """Set every parameter to its initial value.

        Args:
            seed: Any integer; the same seed gives the same numbers on every machine.
        """
        self.set_weights(
            {
                name: initial_values(parameter, combine(seed, *name.encode()))
                for name, parameter in self._parameters()
            }
        )

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Copy the weights out, in Keras's layouts, as "0.kernel", "0.bias", "2.gamma": layer, then parameter."""
        weights = {}
        for layer, row in enumerate(self.rows):
            for index, parameter in enumerate(row.parameters):
                out = np.empty(parameter.size, np.float32)
                self._core.read_parameter(self._places[layer], index, out)
                weights[f"{layer}.{parameter.name}"] = out.reshape(parameter.shape)
        return weights

    def set_weights(self, weights: Mapping[str, ArrayLike]) -> None:
        """Set all weights, named and laid out as `weights()` gives them.

        Args:
            weights: One array for each parameter, converted to float32.

        Raises:
            EngineError: A name is missing or unknown, or an array has the wrong shape.
        """
        expected = dict(self._parameters())
        if expected.keys() != weights.keys():
            raise EngineError(
                f"Weights named {sorted(weights)} were given, expected exactly {sorted(expected)}."
                " Take them from a network of the same layers."
            )
        arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        for name, array in arrays.items():
            if array.shape != expected[name].shape:
                raise EngineError(
                    f"Weights {name!r} have shape {array.shape}, expected {expected[name].shape}."
                    " Take them from a network of the same layers."
                )
        for layer, row in enumerate(self.rows):
            for index, parameter in enumerate(row.parameters):
                array = arrays[f"{layer}.{parameter.name}"].ravel()
                self._core.write_parameter(self._places[layer], index, array)

    def compile(self, optimizer: Optimizer, batch_size: int, augment: Augment | None = None) -> None:
        """Reserve all the memory that training takes, and reset the optimizer.

        Args:
            optimizer: Which one; its learning rate is given for each step by `train_epoch`.
            batch_size: Images in a step, at least 1; the last step of an epoch takes what is left.
            augment: How training images are changed at random; by default they are not. `logits` never changes any.

        Raises:
            EngineError: The batch size is below 1, or the change is larger than the images.
        """
        if batch_size < 1:
            raise EngineError(f"A batch size of {batch_size} was given, expected at least 1.")
        first, second, epsilon = _decays(optimizer)
        native = None if augment is None else as_native(augment, self._input_shape)
        self._core.compile(optimizer.type, first, second, epsilon, batch_size, native)
        self._batch_size = batch_size

    def train_epoch(
        self,
        images: Images,
        labels: NDArray[np.integer],
        order: NDArray[np.int64],
        *,
        learning_rates: NDArray[np.float32],
        key: tuple[int, int],
        report: Report | None = None,
    ) -> EpochTotals:
        """Train on images in a given order, a step for each batch.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
            labels: Class of each image, of shape (n,), in 0 .. classes - 1.
            order: Which images to train on, of any length; indices in 0 .. n - 1.
            learning_rates: One for each step.
            key: (seed, epoch), of the random numbers of dropout and augmentation.
            report: Called about twenty times a second with the number of images done.

        Returns:
            Loss and accuracy over the epoch.

        Raises:
            EngineError: An array has the wrong shape or type or an index out of range, or `compile` was not called.
            KeyboardInterrupt: Ctrl-C; the weights are those of the last whole step.
        """
        try:
            loss, correct, done, steps, finite = self._core.train_epoch(
                self._pixels(images),
                np.ascontiguousarray(labels, np.int32),
                np.ascontiguousarray(order, np.int64),
                np.ascontiguousarray(learning_rates, np.float32),
                combine(*key),
                self._scale_of(images),
                report,
            )
        except ValueError as error:
            raise EngineError(f"The epoch cannot be trained: {error}.") from None
        images_or_one = max(done, 1)
        return EpochTotals(loss / images_or_one, correct / images_or_one, done, steps, finite)

    def logits(
        self, images: Images, report: Report | None = None, *, precision: Precision = "fp32"
    ) -> NDArray[np.float32]:
        """Compute the logits of images, as in prediction: nothing is dropped, moving statistics normalise.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
            report: Called about twenty times a second with the number of images done.
            precision: "fp32", or "bf16" for products as in training, where the network was built with bf16.

        Returns:
            float32 array of shape (n, classes), before the softmax. An image's row does not depend on the others.

        Raises:
            EngineError: The array has the wrong shape or type, or the network cannot predict in that precision.
        """
        pixels = self._predictable(images, precision)
        logits = np.empty((len(pixels), self.classes), np.float32)
        self._core.predict(pixels, self._scale_of(images), logits, None, report, precision == "bf16")
        return logits

    def logits_and_features(
        self, images: Images, *, precision: Precision = "fp32"
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute the logits and, in the same pass, the features: what the last layer makes the logits of.

        Args:
            images: As for `logits`, as is the precision.
            precision: Of the operands of products; the features themselves are in single precision.

        Returns:
            float32 arrays of shape (n, classes) and (n, features), where features are the inputs of the last layer.

        Raises:
            EngineError: As for `logits`.
        """
        pixels = self._predictable(images, precision)
        logits = np.empty((len(pixels), self.classes), np.float32)
        features = np.empty((len(pixels), *self.rows[-1].input_shape), np.float32)
        self._core.predict(pixels, self._scale_of(images), logits, features, None, precision == "bf16")
        return logits, features

    def outputs(self, images: Images, layer: int) -> NDArray[np.float32]:
        """Compute what a layer gives, as in prediction and in fp32: nothing is dropped, moving statistics normalise.

        Args:
            images: As for `logits`.
            layer: Its place, as in the names of its weights; negative ones count from the last layer.

        Returns:
            float32 array of shape (n, *output shape of the layer), its activation included; of the last layer, the
            logits. An image's values do not depend on the others, nor on the threads.

        Raises:
            EngineError: There is no such layer, or the array has the wrong shape or type.
        """
        count = len(self.rows)
        if not -count <= layer < count:
            raise EngineError(
                f"The outputs of layer {layer} were asked for, expected {-count} to {count - 1} in a network of {count}"
                " layers. Take one of these."
            )
        # A network that ends there, because the engine computes some layers together with the one that follows.
        end = layer % count + 1
        core, places = self._built([row.layer for row in self.rows[:end]])
        for row, source, place in zip(self.rows, self._places, places, strict=False):
            for index, parameter in enumerate(row.parameters):
                values = np.empty(parameter.size, np.float32)
                self._core.read_parameter(source, index, values)
                core.write_parameter(place, index, values)
        shape = self.rows[end - 1].output_shape
        pixels = self._pixels(images)
        outputs = np.empty((len(pixels), math.prod(shape)), np.float32)
        core.predict(pixels, self._scale_of(images), outputs, None, None, bf16=False)
        return outputs.reshape(-1, *shape)

    def _built(self, layers: Sequence[Layer]) -> tuple[_core.Network, list[int]]:
        """Build a native network, and give each layer's place in it."""
        core = _core.Network(self._input_shape, self.isa, self.threads, self.precision == "bf16")
        return core, [_add(core, layer) for layer in layers]

    def _parameters(self) -> list[tuple[str, Parameter]]:
        return [
            (f"{layer}.{parameter.name}", parameter)
            for layer, row in enumerate(self.rows)
            for parameter in row.parameters
        ]

    def _predictable(self, images: Images, precision: Precision) -> Images:
        if precision not in ("fp32", self.precision):
            raise EngineError(
                f"Prediction was asked for in {precision}, but this network computes in {self.precision} on"
                f" {self.isa}, expected fp32. Use that, or a processor with AMX and no other OPTOTYPE_ISA."
            )
        return self._pixels(images)

    def _pixels(self, images: Images) -> Images:
        if images.dtype not in (np.uint8, np.float32) or images.shape[1:] != self._input_shape:
            height, width, channels = self._input_shape
            raise EngineError(
                f"Images of type {images.dtype} and shape {images.shape} were given, expected uint8 or float32 of"
                f" shape (n, {height}, {width}, {channels}). Convert or reshape them."
            )
        if images.dtype == np.uint8:
            return np.ascontiguousarray(images, np.uint8)
        return np.ascontiguousarray(images, np.float32)

    def _scale_of(self, images: Images) -> float:
        return self._scale if images.dtype == np.uint8 else self._scale * _BYTE


def _check_ends(layers: Sequence[Layer], rows: tuple[LayerRow, ...]) -> None:
    if not layers or not isinstance(layers[-1], Dense) or layers[-1].activation not in ("softmax", "linear"):
        raise EngineError(
            "A network was given whose last layer is not Dense with softmax, expected one with a unit for each class."
            " Add that layer, or train through a recipe, which adds it."
        )
    for place, layer in enumerate(layers[:-1]):
        if isinstance(layer, Dense) and layer.activation == "softmax":
            raise EngineError(
                f"Layer {place}: softmax was given, expected on the last layer only. Use relu, tanh or sigmoid here."
            )
    largest = max(int(np.prod(shape)) for row in rows for shape in (row.input_shape, row.output_shape))
    if largest > _MOST_FEATURES:
        raise EngineError(
            f"A layer makes {largest:,} numbers of one image, expected at most {_MOST_FEATURES:,}."
            " Use fewer filters or units, or smaller images."
        )


def _add(core: _core.Network, layer: Layer) -> int:
    match layer:
        case Dense():
            place = core.add_dense(layer.units)
        case Conv2D():
            place = core.add_conv2d(layer.filters, *layer.window, layer.padding == "same")
        case MaxPooling2D():
            return core.add_max_pooling2d(*layer.window)
        case Flatten():
            return core.add_flatten()
        case Dropout():
            return core.add_dropout(layer.rate)
        case BatchNormalization():
            return core.add_batch_normalization(layer.momentum, layer.epsilon)
    if layer.activation not in ("linear", "softmax"):
        core.add_activation(layer.activation)
    return place


def _decays(optimizer: Optimizer) -> tuple[float, float, float]:
    match optimizer:
        case SGD():
            return optimizer.momentum, 0.0, 0.0
        case RMSprop():
            return 0.0, optimizer.rho, optimizer.epsilon
        case Adam():
            return optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
