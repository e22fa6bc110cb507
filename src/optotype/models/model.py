"""A Model: trained weights with everything that prediction needs: layers, pixel scale, class names and provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Layer
from optotype.engine.network import Network
from optotype.engine.processor import Precision
from optotype.errors import EngineError, ModelError
from optotype.metrics import softmax
from optotype.models import file
from optotype.models.calibration import COVERAGE, Calibration
from optotype.models.checks import check_golden, check_provenance, check_weights
from optotype.models.golden import GoldenImages
from optotype.models.inputs import Images, as_batch
from optotype.models.novelty import CHUNK, NoveltyDetector
from optotype.models.prediction import Prediction
from optotype.models.provenance import Provenance
from optotype.models.summary import summary
from optotype.models.transfer import TransferRecipe, transfer_recipe
from optotype.recipes.recipe import Recipe


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained classifier.

    Attributes:
        recipe: The recipe that it was trained with; its layers are the network.
        input_shape: Shape of an image, (height, width, channels).
        class_names: One name per class, in the order of the network's outputs.
        weights: float32 arrays by name ("0.kernel": kernel of layer 0), in Keras's layout; copied, read-only.
        provenance: The data, split, run and environment that it was trained with, as far as they are known.
        calibration: Temperature and label sets; None if too few images were set aside for validation.
        novelty: Detector of images unlike the training images; None if too few images were set aside.
        golden: Images with the logits at the end of training; None if the model was imported from another program.

    Raises:
        ModelError: If the weights do not fit the recipe's network or one of them is not finite, or if the golden
            images or their logits have another shape than the model's.
    """

    recipe: Recipe
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    weights: Mapping[str, NDArray[np.float32]]
    provenance: Provenance = field(default_factory=Provenance)
    calibration: Calibration | None = None
    novelty: NoveltyDetector | None = None
    golden: GoldenImages | None = None

    def __post_init__(self) -> None:
        copies = {name: np.array(weight) for name, weight in self.weights.items()}
        check_provenance(self.provenance)
        check_weights(self.layers, self.input_shape, copies)
        check_golden(self.golden, self.input_shape, len(self.class_names))
        for copy in copies.values():
            copy.setflags(write=False)
        object.__setattr__(self, "weights", copies)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The whole network, with its head."""
        return self.recipe.network_layers(len(self.class_names))

    @property
    def pixels(self) -> Literal["unit", "raw"]:
        """The pixel range of the network: 0..1 ("unit") or 0..255 ("raw"); methods accept either dtype anyway."""
        return self.recipe.pixels

    @cached_property
    def network(self) -> Network:
        """The engine's network with these weights, built on first use; it predicts in bf16 if the processor can."""
        network = Network(self.layers, self.input_shape, scale=self.recipe.scale, precision="auto")
        network.set_weights(self.weights)
        return network

    def logits(self, images: Images, *, precision: Precision = "fp32") -> NDArray[np.float32]:
        """Compute the network's outputs before softmax.

        Args:
            images: An array of uint8 (0 .. 255) or float32 (0 .. 1), shaped (n, h, w, c), (n, h, w) if c is 1,
                or (n, h * w * c); or one picture: its path, its bytes, or opened by Pillow; or a list of
                pictures and of arrays that are each one image.
            precision: Precision of the operands of products: "fp32", which gives the same results everywhere
                regardless of the precision of training; or "bf16", which is faster and requires a processor with AMX.

        Returns:
            float32 array of shape (n, classes).

        Raises:
            DataError: If the array's dtype, shape or range is another, or a value is NaN.
            ImageError: If a picture cannot be read.
            EngineError: If the precision is bf16 and the processor has no AMX.
        """
        batch = as_batch(images, self.input_shape)
        if len(batch) == 0:
            return np.empty((0, len(self.class_names)), np.float32)
        return self.network.logits(batch, precision=precision)

    def logits_and_distances(
        self, images: Images, *, precision: Precision = "fp32"
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Compute logits and novelty distances of images in one pass; arguments and errors as for ``logits``.

        Returns:
            Logits before calibration, float32 of shape (n, classes); and distances from the training images, float32
            of shape (n,), for ``novelty``'s threshold. The distances are None without a novelty detector.
        """
        if self.novelty is None:
            return self.logits(images, precision=precision), None
        batch = as_batch(images, self.input_shape)
        logits = np.empty((len(batch), len(self.class_names)), np.float32)
        distances = np.empty(len(batch), np.float32)
        for start in range(0, len(batch), CHUNK):
            chunk = slice(start, start + CHUNK)
            logits[chunk], features = self.network.logits_and_features(batch[chunk], precision=precision)
            distances[chunk] = self.novelty.distances(batch[chunk], features)
        return logits, distances

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities of logits, float64 of the same shape; calibrated if the model has a calibration."""
        return softmax(logits) if self.calibration is None else self.calibration.probabilities(logits)

    def predict_proba(self, images: Images, *, precision: Precision = "fp32") -> NDArray[np.float32]:
        """Compute the probability of each class; arguments and errors as for ``logits``.

        Returns:
            float32 array of shape (n, classes), each row adds up to 1; calibrated if the model has a calibration.
        """
        return self.probabilities(self.logits(images, precision=precision)).astype(np.float32)

    def predict(
        self, images: Images, *, precision: Precision = "fp32", coverage: float = COVERAGE
    ) -> list[Prediction]:
        """Predict the class of each image, with its uncertainty.

        Args:
            images: As for ``logits``.
            precision: As for ``logits``.
            coverage: Target share of label sets that contain the true class, between 0 and 1.

        Raises:
            DataError: If the coverage is not between 0 and 1, or as for ``logits``.
            ImageError: As for ``logits``.
            EngineError: As for ``logits``.
        """
        return self.predictions(*self.logits_and_distances(images, precision=precision), coverage=coverage)

    def predictions(
        self,
        logits: NDArray[np.float32],
        distances: NDArray[np.float32] | None,
        *,
        coverage: float = COVERAGE,
    ) -> list[Prediction]:
        """Return the predictions that follow from the result of ``logits_and_distances``.

        Args:
            logits: float32 of shape (n, classes).
            distances: float32 of shape (n,), or None.
            coverage: As for ``predict``.

        Raises:
            DataError: If the coverage is not between 0 and 1.
        """
        probabilities = self.probabilities(logits)
        sets = None if self.calibration is None else self.calibration.label_sets(probabilities, coverage)
        is_novel = None if distances is None or self.novelty is None else self.novelty.is_novel(distances)
        return [
            Prediction(
                label=self.class_names[row.argmax()],
                probability=float(row.max()),
                probabilities=row,
                class_names=self.class_names,
                label_set=None if sets is None else self._selected_names(sets[index]),
                unknown=None if is_novel is None else bool(is_novel[index]),
            )
            for index, row in enumerate(probabilities.astype(np.float32))
        ]

    def transfer(
        self,
        layers: Sequence[Layer] = (),
        *,
        keep: int | None = None,
        settings: Recipe | None = None,
        freeze: bool = True,
    ) -> TransferRecipe:
        """Return a recipe for transfer learning from this model: `train(data, model.transfer())`.

        The data can be the model's own or others with images of the same shape.

        Args:
            layers: Layers to add after the kept layers, before a new head for the classes of the data.
            keep: Number of the model's layers to keep, without its head: None for all, -1 for all but the last.
            settings: Recipe whose optimizer, batch size, epochs and other settings to train with; None for the model's.
            freeze: Whether the kept layers keep their weights; otherwise they are fine-tuned.

        Returns:
            A transfer recipe, which ``train`` accepts instead of a recipe.

        Raises:
            RecipeError: If the model has fewer layers, or the result is not a valid recipe.
        """
        return transfer_recipe(self, layers, keep, settings, freeze=freeze)

    def summary(self) -> str:
        """Return lines of text on the model's layers, input, classes, uncertainty and provenance."""
        return summary(self)

    def save(self, path: str | Path, *, golden: bool = True) -> None:
        """Write the model file, in one step.

        Args:
            path: The file; its name ends in ".safetensors" by convention.
            golden: Whether to store the golden images. They are images of the training data. A file without them
                reveals less of the data, and a load cannot check the model's logits.

        Raises:
            ModelError: If the file cannot be written, or if a class name or the provenance cannot be stored in a file.
        """
        golden_images = self.golden if golden else None
        try:
            header = file.Header(
                layers=self.layers,
                input_shape=self.input_shape,
                pixels=self.pixels,
                class_names=self.class_names,
                recipe=self.recipe,
                provenance=self.provenance,
                calibration=file.calibration_header(self.calibration),
                novelty=file.novelty_header(self.novelty),
                golden=None if golden_images is None else len(golden_images.images),
            )
            arrays = file.pack_arrays(self.weights, self.calibration, self.novelty, golden_images)
            file.write(Path(path), header, arrays)
        except ValueError as error:
            raise ModelError(
                f"Cannot save the model to {path}: {error}. Correct the value that it names."
            ) from None

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Read a model file from an untrusted source, and verify its golden images.

        Args:
            path: A file that ``save`` wrote.

        Raises:
            ModelError: If the file is missing, damaged, inconsistent, or written by a newer optotype, or if the model
                gives other logits for its golden images; the message names the file.
        """
        header, arrays = file.read(Path(path))
        try:
            model = cls(
                header.recipe,
                header.input_shape,
                header.class_names,
                file.unpack_weights(arrays),
                header.provenance,
                file.unpack_calibration(header, arrays),
                file.unpack_novelty(header, arrays),
                file.unpack_golden(header, arrays),
            )
            if model.golden is not None:
                model.golden.verify(model.network)
        except (ModelError, EngineError) as error:
            raise ModelError(f"{path}: {error}") from None
        return model

    def _selected_names(self, is_selected: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(self.class_names[index] for index in np.flatnonzero(is_selected))

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"Model({self.recipe.name!r}, {shape}, {len(self.class_names)} classes)"
