"""A Model: trained weights with all that is needed to see: layers, pixel scale, class names, and where it is from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.engine.layers import Layer, Parameter, describe
from optotype.engine.network import Network
from optotype.engine.processor import Precision
from optotype.errors import DataError, EngineError, ModelError
from optotype.metrics import softmax
from optotype.models import file
from optotype.models.calibration import COVERAGE, Calibration
from optotype.models.extended import Extended, extend
from optotype.models.golden import Golden
from optotype.models.inputs import Images, as_batch
from optotype.models.novelty import CHUNK, NoveltyDetector
from optotype.models.summary import summary
from optotype.recipes.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says about one image.

    Attributes:
        label: Name of the most probable class.
        probability: Its probability, in 0 .. 1; calibrated where the model has a calibration, as are all.
        probabilities: float32 array of shape (classes,), in the order of ``class_names``.
        class_names: Every class of the model.
        label_set: Names of the classes that it may be, in their order: the truth is among them for 99 % (or the
            coverage asked for) of images like those of the calibration. None where the model has none.
        unknown: Whether the image is unlike the training images, so that nothing else here means much. None where the
            model cannot tell.
    """

    label: str
    probability: float
    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]
    label_set: tuple[str, ...] | None = None
    unknown: bool | None = None

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """List the most probable classes.

        Args:
            k: How many, at least 1; all of them where there are fewer.

        Returns:
            Pairs of class name and probability, the most probable first; equal ones in the order of the classes.

        Raises:
            DataError: ``k`` is below 1.
        """
        if k < 1:
            raise DataError(f"The top {k} classes were asked for, expected at least 1. Ask for 1 or more.")
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [(self.class_names[place], float(self.probabilities[place])) for place in order]

    def __repr__(self) -> str:
        return f"Prediction({self.label!r}, {self.probability:.4f})"


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained classifier.

    Attributes:
        recipe: How it was trained; its layers are the network.
        input_shape: Shape of an image, (height, width, channels).
        class_names: One name a class, in the order of the network's outputs.
        weights: float32 arrays by name ("0.kernel": layer 0's kernel), in Keras's layout; copied, read-only.
        provenance: What the file says of its origin, as JSON values.
        calibration: What its probabilities are worth; None where too few images were set aside to tell.
        familiarity: How it knows images unlike those of its training; None likewise.
        golden: What it said of a few images when its training ended; None where it was not trained here.

    Raises:
        ModelError: The weights are not those of the recipe's network, or one of them is not finite; or the golden
            images or their logits have another shape than the model's.
    """

    recipe: Recipe
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    weights: Mapping[str, NDArray[np.float32]]
    provenance: Mapping[str, JsonValue] = field(default_factory=dict)
    calibration: Calibration | None = None
    familiarity: NoveltyDetector | None = None
    golden: Golden | None = None

    def __post_init__(self) -> None:
        copies = {name: np.array(weight) for name, weight in self.weights.items()}
        _check_weights(self.layers, self.input_shape, copies)
        _check_golden(self.golden, self.input_shape, len(self.class_names))
        for copy in copies.values():
            copy.setflags(write=False)
        object.__setattr__(self, "weights", copies)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The whole network, its head included."""
        return self.recipe.network_layers(len(self.class_names))

    @property
    def pixels(self) -> Literal["unit", "raw"]:
        """Whether the network takes pixels in 0..1 ("unit") or 0..255 ("raw"); callers give either dtype anyway."""
        return self.recipe.pixels

    @cached_property
    def network(self) -> Network:
        """The engine's network with these weights, made when first used; it can predict in bf16 where that exists."""
        network = Network(self.layers, self.input_shape, scale=self.recipe.scale, precision="auto")
        network.set_weights(self.weights)
        return network

    def logits(self, images: Images, *, precision: Precision = "fp32") -> NDArray[np.float32]:
        """Compute the network's outputs before softmax.

        Args:
            images: An array of uint8 (0 .. 255) or float32 (0 .. 1), shaped (n, h, w, c), (n, h, w) where c is 1,
                or (n, h * w * c); or one picture: its path, its bytes, or opened by Pillow; or a list of
                pictures and of arrays that are each one image.
            precision: Of the operands of products: "fp32", by which a model answers alike everywhere, however it was
                trained; or "bf16", faster on a processor with AMX and refused on others.

        Returns:
            float32 array of shape (n, classes).

        Raises:
            DataError: The array's dtype, shape or range is another, or a value is NaN.
            ImageError: A picture cannot be read.
            EngineError: The precision is bf16 and the processor has no AMX.
        """
        batch = as_batch(images, self.input_shape)
        if len(batch) == 0:
            return np.empty((0, len(self.class_names)), np.float32)
        return self.network.logits(batch, precision=precision)

    def logits_and_distances(
        self, images: Images, *, precision: Precision = "fp32"
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Compute logits, and how unlike the training images each image is, in one pass; arguments as for ``logits``.

        Returns:
            Logits, before calibration, float32 of shape (n, classes); and distances, float32 of shape (n,), which
            ``familiarity`` holds against its threshold. None for these where the model cannot tell.
        """
        if self.familiarity is None:
            return self.logits(images, precision=precision), None
        batch = as_batch(images, self.input_shape)
        logits = np.empty((len(batch), len(self.class_names)), np.float32)
        distances = np.empty(len(batch), np.float32)
        for first in range(0, len(batch), CHUNK):
            part = slice(first, first + CHUNK)
            logits[part], features = self.network.logits_and_features(batch[part], precision=precision)
            distances[part] = self.familiarity.distances(batch[part], features)
        return logits, distances

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Turn what ``logits`` gave into probabilities, float64 of the same shape; calibrated where that is known."""
        return softmax(logits) if self.calibration is None else self.calibration.probabilities(logits)

    def predict_proba(self, images: Images, *, precision: Precision = "fp32") -> NDArray[np.float32]:
        """Compute the probability of each class; arguments and errors as for ``logits``.

        Returns:
            float32 array of shape (n, classes), each row adding up to 1; calibrated where there is a calibration.
        """
        return self.probabilities(self.logits(images, precision=precision)).astype(np.float32)

    def predict(
        self, images: Images, *, precision: Precision = "fp32", coverage: float = COVERAGE
    ) -> list[Prediction]:
        """Say what each image shows; other arguments and errors as for ``logits``.

        Args:
            images: As for ``logits``.
            precision: Likewise.
            coverage: How often label sets are to hold the truth, between 0 and 1.

        Raises:
            DataError: The coverage is not between 0 and 1.
        """
        return self.predictions(*self.logits_and_distances(images, precision=precision), coverage=coverage)

    def predictions(
        self,
        logits: NDArray[np.float32],
        distances: NDArray[np.float32] | None,
        *,
        coverage: float = COVERAGE,
    ) -> list[Prediction]:
        """Say what images show, from what ``examine`` gave of them.

        Args:
            logits: float32 of shape (n, classes).
            distances: float32 of shape (n,), or None.
            coverage: As for ``predict``.

        Raises:
            DataError: The coverage is not between 0 and 1.
        """
        probabilities = self.probabilities(logits)
        sets = None if self.calibration is None else self.calibration.label_sets(probabilities, coverage)
        unknown = (
            None if distances is None or self.familiarity is None else self.familiarity.unknown(distances)
        )
        return [
            Prediction(
                label=self.class_names[row.argmax()],
                probability=float(row.max()),
                probabilities=row,
                class_names=self.class_names,
                label_set=None if sets is None else self._names(sets[place]),
                unknown=None if unknown is None else bool(unknown[place]),
            )
            for place, row in enumerate(probabilities.astype(np.float32))
        ]

    def extended(
        self,
        layers: Sequence[Layer] = (),
        *,
        keep: int | None = None,
        settings: Recipe | None = None,
        freeze: bool = True,
    ) -> Extended:
        """Take the model further, on its own data or on others of the same shape: `train(data, model.extended())`.

        Args:
            layers: What to add after the layers that are kept, before a new head for the classes of the data.
            keep: How many of the model's layers to keep, its head not counted: by default all, -1 for all but the last.
            settings: Whose optimizer, batch size, epochs and other settings to train with; by default the model's own.
            freeze: Whether the layers that are kept stay as they are; else they are trained too, from where they are.

        Returns:
            What `train` takes in the place of a recipe.

        Raises:
            RecipeError: The model has not so many layers, or what comes out is no recipe.
        """
        return extend(self, layers, keep, settings, freeze=freeze)

    def summary(self) -> str:
        """Say in lines of text what the model is made of: layers, images, classes, doubts, and where it is from."""
        return summary(self)

    def save(self, path: str | Path, *, golden: bool = True) -> None:
        """Write the model file, in one step.

        Args:
            path: Where; by custom it ends in ".safetensors".
            golden: Whether the golden images go with it. They are pictures of the data; without them a file tells less
                of the data, and no one sees whether it still says what it said.

        Raises:
            ModelError: The file cannot be written, or a class name or the provenance is none that a file can hold.
        """
        kept = self.golden if golden else None
        try:
            header = file.Header(
                layers=self.layers,
                input_shape=self.input_shape,
                pixels=self.pixels,
                class_names=self.class_names,
                recipe=self.recipe,
                provenance=dict(self.provenance),
                calibration=file.calibration_header(self.calibration),
                familiarity=file.novelty_header(self.familiarity),
                golden=None if kept is None else len(kept.images),
            )
            arrays = file.arrays_of(self.weights, self.calibration, self.familiarity, kept)
            file.write(Path(path), header, arrays)
        except ValueError as error:
            raise ModelError(
                f"Cannot save the model to {path}: {error}. Correct what it is made of."
            ) from None

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Read a model file; nothing in it is trusted, and its golden images are asked about again.

        Args:
            path: A file that ``save`` wrote.

        Raises:
            ModelError: The file is missing, damaged, inconsistent, or made by a newer optotype, or the model no longer
                says of its golden images what it said; the message names the file.
        """
        header, arrays = file.read(Path(path))
        try:
            model = cls(
                header.recipe,
                header.input_shape,
                header.class_names,
                file.weights_of(arrays),
                header.provenance,
                file.calibration_of(header, arrays),
                file.novelty_of(header, arrays),
                file.golden_of(header, arrays),
            )
            if model.golden is not None:
                model.golden.replay(model.network)
        except (ModelError, EngineError) as error:
            raise ModelError(f"{path}: {error}") from None
        return model

    def _names(self, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(self.class_names[place] for place in np.flatnonzero(chosen))

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"Model({self.recipe.name!r}, {shape}, {len(self.class_names)} classes)"


def _check_golden(golden: Golden | None, shape: tuple[int, int, int], classes: int) -> None:
    if golden is not None and (golden.images.shape[1:], golden.logits.shape[1]) != (shape, classes):
        raise ModelError(
            f"The golden images have shape {golden.images.shape[1:]} and {golden.logits.shape[1]} logits, expected"
            f" {shape} and {classes} as the model has. Train the model again."
        )


def _check_weights(
    layers: tuple[Layer, ...], shape: tuple[int, int, int], weights: Mapping[str, NDArray[np.generic]]
) -> None:
    try:
        rows = describe(layers, shape)
    except EngineError as error:
        raise ModelError(f"The layers do not fit together. {error}") from None
    expected = {f"{place}.{each.name}": each for place, row in enumerate(rows) for each in row.parameters}
    if set(weights) != set(expected):
        raise ModelError(
            f"The weights lack {sorted(set(expected) - set(weights))} and have {sorted(set(weights) - set(expected))}"
            " too many, expected exactly those of the layers. Train the model again."
        )
    for name, parameter in expected.items():
        _check_weight(name, weights[name], parameter)


def _check_weight(name: str, weight: NDArray[np.generic], parameter: Parameter) -> None:
    if weight.dtype != np.float32 or weight.shape != parameter.shape:
        raise ModelError(
            f"The weight {name!r} is {weight.dtype} of shape {weight.shape}, expected float32 of shape"
            f" {parameter.shape}. Train the model again."
        )
    if not np.isfinite(weight).all():
        raise ModelError(
            f"The weight {name!r} holds a value that is not finite, expected numbers."
            " Train the model again, with a lower learning rate if it diverged."
        )
