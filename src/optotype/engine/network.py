"""A network that trains and predicts: a typed Python interface to the native engine.

Arrays in, arrays out; no files, no policy. Every method that runs long releases the interpreter's lock. Ctrl-C stops it
between two steps, with the weights of the last completed step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.engine import _core
from optotype.engine.augmentation import Augment, check_augment_fits
from optotype.engine.initializers import initial_values
from optotype.engine.layers import Dense, Layer, LayerRow, Parameter, describe
from optotype.engine.optimizers import Optimizer
from optotype.engine.processor import Precision, resolve_precision, resolve_threads
from optotype.errors import EngineError
from optotype.randomness import combine

Images = NDArray[np.uint8] | NDArray[np.float32]
Report = Callable[[int], object]

MAX_FEATURES: Final = 1 << 24
"""Maximum number of values that a layer may compute for one image."""
_MAX_BYTE: Final = 255.0


@dataclass(frozen=True)
class EpochTotals:
    """The result of one epoch of training.

    Attributes:
        loss: Mean cross-entropy over the images, in nats, each computed before the update of its step.
        accuracy: Fraction of the images that were classified correctly, likewise.
        images: Number of images trained on.
        steps: Number of steps.
        finite: Whether every loss was finite. If not, the epoch ended before the update of that step.
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
        layers: The layers. The last one is Dense with one unit per class; its softmax, if present, is part of the loss,
            and the network itself returns logits.
        input_shape: (height, width, channels) of an image.
        scale: Factor for the bytes of pixels: 1/255, or 1 for raw pixels. Images as float32 in 0..1 are multiplied so
            that both kinds agree.
        threads: Number of threads; by default all cores.
        isa: Instruction set; by default the environment variable OPTOTYPE_ISA, otherwise the fastest available.
        precision: Of the operands of products in training: "fp32", or "bf16" (bfloat16, with sums and weights in
            single precision) if the instruction set is "amx"; "auto" is bf16 there and fp32 elsewhere.
            Prediction uses fp32 by default.

    Attributes:
        isa: The instruction set in use; in fp32 never "amx".
        precision: The precision in use, "fp32" or "bf16".
        threads: The number of threads in use.
        classes: The number of logits.
        rows: The layers with their shapes and parameters.

    Raises:
        EngineError: If the layers do not fit together or the last one is not a classifier, or if the processor does not
            support the instruction set or precision.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: tuple[int, int, int],
        *,
        scale: float = 1 / _MAX_BYTE,
        threads: int | None = None,
        isa: str | None = None,
        precision: Precision | Literal["auto"] = "fp32",
    ) -> None:
        self.rows: tuple[LayerRow, ...] = describe(layers, input_shape)
        _check_classifier(layers)
        _check_size(self.rows)
        self.isa, self.precision = resolve_precision(precision, isa)
        self.threads = resolve_threads(threads)
        self.classes = int(self.rows[-1].output_shape[0])
        self._input_shape = input_shape
        self._scale = scale
        self._core = self._build(layers)

    def initialize(self, seed: int) -> None:
        """Set every parameter to its initial value.

        Args:
            seed: Any integer; the same seed gives the same values on every machine.
        """
        self.set_weights(
            {
                name: initial_values(parameter, combine(seed, *name.encode()))
                for name, parameter in self._parameters().items()
            }
        )

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of all weights.

        Returns:
            float32 arrays in the layouts of Keras, by name: index of the layer and name of the parameter, such as
            "0.kernel", "0.bias", "2.gamma".
        """
        weights = {}
        for layer, row in enumerate(self.rows):
            for index, parameter in enumerate(row.parameters):
                values = np.empty(parameter.size, np.float32)
                self._core.read_parameter(layer, index, values)
                weights[f"{layer}.{parameter.name}"] = values.reshape(parameter.shape)
        return weights

    def set_weights(self, weights: Mapping[str, ArrayLike]) -> None:
        """Set all weights, with the names and shapes of `weights()`.

        Args:
            weights: One array for each parameter, converted to float32.

        Raises:
            EngineError: If a name is missing or unknown, or an array has the wrong shape.
        """
        parameters = self._parameters()
        if parameters.keys() != weights.keys():
            raise EngineError(
                f"The weights are named {sorted(weights)}, expected exactly {sorted(parameters)}."
                " Take them from a network with the same layers."
            )
        arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        for name, array in arrays.items():
            if array.shape != parameters[name].shape:
                raise EngineError(
                    f"Weights {name!r} have shape {array.shape}, expected {parameters[name].shape}."
                    " Take them from a network with the same layers."
                )
        for layer, row in enumerate(self.rows):
            for index, parameter in enumerate(row.parameters):
                self._core.write_parameter(layer, index, arrays[f"{layer}.{parameter.name}"].ravel())

    def compile(self, optimizer: Optimizer, batch_size: int, augment: Augment | None = None) -> None:
        """Reserve all memory that training needs, and reset the optimizer.

        Args:
            optimizer: The optimizer; `train_epoch` receives the learning rate of each step.
            batch_size: Images per step, at least 1; the last step of an epoch has the remaining images.
            augment: The augmentation of training images; by default none. Predictions are never augmented.

        Raises:
            EngineError: If the batch size is below 1, or a shift or cutout is as large as the images.
        """
        if batch_size < 1:
            raise EngineError(
                f"The batch size is {batch_size}, expected at least 1. Choose a positive number."
            )
        if augment is not None:
            check_augment_fits(augment, self._input_shape)
        augmentation = None if augment is None else vars(augment)
        self._core.compile(optimizer.type, vars(optimizer), batch_size, augmentation)

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
        """Train on images in a given order, one step per batch.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
            labels: Class of each image, of shape (n,), in 0 .. classes - 1.
            order: Indices of the images to train on, in 0 .. n - 1, of any length.
            learning_rates: One for each step.
            key: (seed, epoch) of the random numbers of dropout and augmentation.
            report: Called about twenty times a second with the number of images done.

        Returns:
            Loss and accuracy over the epoch.

        Raises:
            EngineError: If an array has the wrong shape or type, an index is out of range, or `compile` was not called.
            KeyboardInterrupt: On Ctrl-C; the weights are those of the last completed step.
        """
        try:
            loss, correct, done, steps, finite = self._core.train_epoch(
                self._check_images(images),
                np.ascontiguousarray(labels, np.int32),
                np.ascontiguousarray(order, np.int64),
                np.ascontiguousarray(learning_rates, np.float32),
                combine(*key),
                self._scale_of(images),
                report,
            )
        except ValueError as error:
            raise EngineError(f"The epoch cannot be trained: {error}. Correct the arguments.") from None
        images_or_one = max(done, 1)
        return EpochTotals(loss / images_or_one, correct / images_or_one, done, steps, finite)

    def logits(
        self, images: Images, report: Report | None = None, *, precision: Precision = "fp32"
    ) -> NDArray[np.float32]:
        """Compute the logits of images, without dropout and with moving statistics in batch normalization.

        Args:
            images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
            report: Called about twenty times a second with the number of images done.
            precision: "fp32", or "bf16" for products as in training, if the network was built with bf16.

        Returns:
            float32 array of shape (n, classes), before the softmax. The row of an image does not depend on the other
            images.

        Raises:
            EngineError: If the array has the wrong shape or type, or the network cannot predict in that precision.
        """
        self._check_precision(precision)
        pixels = self._check_images(images)
        logits = np.empty((len(pixels), self.classes), np.float32)
        self._core.predict(pixels, self._scale_of(images), logits, None, report, precision == "bf16")
        return logits

    def logits_and_features(
        self, images: Images, *, precision: Precision = "fp32"
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute the logits and, in the same pass, the features: the input of the last layer.

        Args:
            images: As for `logits`.
            precision: As for `logits`; the features themselves are in single precision.

        Returns:
            float32 arrays of shape (n, classes) and (n, features).

        Raises:
            EngineError: As for `logits`.
        """
        self._check_precision(precision)
        pixels = self._check_images(images)
        logits = np.empty((len(pixels), self.classes), np.float32)
        features = np.empty((len(pixels), *self.rows[-1].input_shape), np.float32)
        self._core.predict(pixels, self._scale_of(images), logits, features, None, precision == "bf16")
        return logits, features

    def outputs(self, images: Images, layer: int) -> NDArray[np.float32]:
        """Compute the output of a layer, as in prediction and in fp32.

        Args:
            images: As for `logits`.
            layer: Index of the layer, as in the names of its weights; negative ones count from the last layer.

        Returns:
            float32 array of shape (n, *output shape of the layer), including its activation; for the last layer, the
            logits. The values of an image depend neither on the other images nor on the number of threads.

        Raises:
            EngineError: If there is no such layer, or the array has the wrong shape or type.
        """
        count = len(self.rows)
        if not -count <= layer < count:
            raise EngineError(
                f"The index of the layer is {layer}, expected {-count} to {count - 1} in a network of {count} layers."
                " Choose one of these."
            )
        # The engine fuses some layers with the next one, so an inner output needs a network that ends there.
        rows = self.rows[: layer % count + 1]
        core = self._build([row.layer for row in rows])
        for position, row in enumerate(rows):
            for index, parameter in enumerate(row.parameters):
                values = np.empty(parameter.size, np.float32)
                self._core.read_parameter(position, index, values)
                core.write_parameter(position, index, values)
        shape = rows[-1].output_shape
        pixels = self._check_images(images)
        outputs = np.empty((len(pixels), math.prod(shape)), np.float32)
        core.predict(pixels, self._scale_of(images), outputs, None, None, bf16=False)
        return outputs.reshape(-1, *shape)

    def _build(self, layers: Sequence[Layer]) -> _core.Network:
        descriptions = [(layer.type, vars(layer)) for layer in layers]
        return _core.Network(
            self._input_shape, descriptions, self.isa, self.threads, self.precision == "bf16"
        )

    def _parameters(self) -> dict[str, Parameter]:
        return {
            f"{layer}.{parameter.name}": parameter
            for layer, row in enumerate(self.rows)
            for parameter in row.parameters
        }

    def _check_precision(self, precision: Precision) -> None:
        if precision not in ("fp32", self.precision):
            raise EngineError(
                f"Prediction in {precision} is not available: this network computes in {self.precision} on {self.isa},"
                " expected fp32. Use fp32, or a processor with AMX, without setting OPTOTYPE_ISA to another instruction"
                " set."
            )

    def _check_images(self, images: Images) -> Images:
        if images.dtype not in (np.uint8, np.float32) or images.shape[1:] != self._input_shape:
            height, width, channels = self._input_shape
            raise EngineError(
                f"The images have type {images.dtype} and shape {images.shape}, expected uint8 or float32 of shape"
                f" (n, {height}, {width}, {channels}). Convert or reshape them."
            )
        if images.dtype == np.uint8:
            return np.ascontiguousarray(images, np.uint8)
        return np.ascontiguousarray(images, np.float32)

    def _scale_of(self, images: Images) -> float:
        return self._scale if images.dtype == np.uint8 else self._scale * _MAX_BYTE


def _check_classifier(layers: Sequence[Layer]) -> None:
    if not layers or not isinstance(layers[-1], Dense) or layers[-1].activation not in ("softmax", "linear"):
        raise EngineError(
            "The last layer is not Dense with softmax, expected one with a unit for each class. Add that layer, or"
            " train with a recipe, which adds it."
        )
    for index, layer in enumerate(layers[:-1]):
        if isinstance(layer, Dense) and layer.activation == "softmax":
            raise EngineError(
                f"Layer {index} has the activation softmax, expected it on the last layer only. Use relu, tanh or"
                " sigmoid here."
            )


def _check_size(rows: tuple[LayerRow, ...]) -> None:
    largest = max(math.prod(shape) for row in rows for shape in (row.input_shape, row.output_shape))
    if largest > MAX_FEATURES:
        raise EngineError(
            f"A layer computes {largest:,} values for one image, expected at most {MAX_FEATURES:,}."
            " Use fewer filters or units, or smaller images."
        )
