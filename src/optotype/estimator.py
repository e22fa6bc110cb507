"""ImageClassifier: a scikit-learn estimator that trains an optotype model.

It adds only what scikit-learn expects of an estimator: rows or images as input, any labels, parameters by name, and
pickling through the model file. docs/estimator.md has examples.
"""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from optotype.data.arrays.images import MAX_SIDE, check_images, to_uint8
from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.dataset import Dataset, SealedTest
from optotype.data.sources.listing import normalize_class_name
from optotype.errors import DataError, DivergedError
from optotype.models.model import Model
from optotype.recipes.builtin import default_recipe, load_recipe
from optotype.recipes.recipe import Recipe
from optotype.runs.naming import create_run_folder
from optotype.runs.run import MODEL_FILE
from optotype.training.train import train

Shape = tuple[int, int, int]

_UNIT_RANGE: Final = (0.0, 1.0)


class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A scikit-learn classifier of small images.

    X is an array of shape (n, height, width), (n, height, width, channels) or (n, features). Rows are square grey
    images if their length is a square number, and images of height 1 otherwise, unless ``shape`` is set. Pixels are
    uint8, or numbers in 0 .. 1. Other numbers are scaled: the smallest and the largest number of the training images
    become black and white. Training uses 256 grey levels, so finer differences are lost.

    Args:
        recipe: A recipe, the name of a built-in recipe or the path of a recipe file; by default the recipe of
            `optotype train` for image files, with a number of epochs that depends on the number of images.
        shape: (height, width) or (height, width, channels) of an image, for X in rows.
        threads: Number of threads, at least 1; by default one per core. They do not change the result.
        runs_root: Folder in which every fit saves its run folder; by default no run folder is saved.
        **overrides: Recipe settings to change, as for `Recipe.override`. A setting of a table has two underscores
            instead of the dot: ``epochs=5, optimizer__learning_rate=0.01, seed=3``.

    Attributes:
        classes_: The labels that occur in training, sorted.
        n_features_in_: Number of values of an image.
        feature_names_in_: Names of the columns, if X was a data frame with column names.
        shape_: (height, width, channels) of an image.
        range_: The numbers that are black and white if X is not uint8. Predictions clip numbers outside this range.
        model_: The trained model; its class names are the labels as text.
    """

    def __init__(
        self,
        recipe: str | Path | Recipe | None = None,
        *,
        shape: tuple[int, ...] | None = None,
        threads: int | None = None,
        runs_root: str | Path | None = None,
        **overrides: object,
    ) -> None:
        self.recipe = recipe
        self.shape = shape
        self.threads = threads
        self.runs_root = runs_root
        self._overrides = overrides

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - scikit-learn's signature
        """Return the parameters by name: those of the constructor, and every recipe setting that is overridden."""
        return {**super().get_params(deep), **self._overrides}

    def set_params(self, **params: object) -> "ImageClassifier":
        """Set parameters by name: those of the constructor, or any recipe setting. `fit` validates them."""
        own = set(self._get_param_names())
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
        self._overrides = {**self._overrides, **{name: params[name] for name in params if name not in own}}
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> "ImageClassifier":  # noqa: N803 - scikit-learn's name
        """Train the classifier.

        Args:
            X: Images, in one of the forms of the class description.
            y: Their labels, strings or integers, of shape (n,), with at least two classes.

        Returns:
            This estimator.

        Raises:
            ValueError: If X or y is not valid input of a scikit-learn classifier, or y has one class.
            DataError: If X does not contain images, or a label is not a valid class name.
            RecipeError: If the recipe, or a setting, is unknown or does not fit the data.
            EngineError: If the layers do not fit the images.
            DivergedError: If the loss is not finite.
        """
        rows, labels = validate_data(self, _rows(X), y)
        check_classification_targets(labels)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has 1 class, {self.classes_[0]!r}, expected at least 2. Add images of another class."
            )
        self.shape_ = _resolve_shape(_image_shape(X), rows.shape[1], self.shape)
        self.range_ = _range(rows)
        data = _dataset(to_uint8(check_images(self._images(rows), name="X")), indices, self.classes_)
        self.model_ = self._train(data, self._resolve_recipe(len(rows)))
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        """Return the model's probability of each class.

        Args:
            X: Images like the training images, as rows or as images.

        Returns:
            float32 array of shape (n, classes), in the order of ``classes_``; each row sums to 1.

        Raises:
            NotFittedError: If `fit` was not called.
            ValueError: If X is not an array of numbers, or has another number of features.
            DataError: If the numbers of X have another scale than the training images.
        """
        check_is_fitted(self)
        rows = validate_data(self, _rows(X), reset=False)
        _resolve_shape(_image_shape(X), rows.shape[1], self.shape_)
        return self.model_.predict_proba(self._images(rows))

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """Return the most probable label of each image; arguments and errors as for `predict_proba`.

        Returns:
            Labels of ``classes_``, of shape (n,).
        """
        class_indices = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[class_indices]
        return labels

    def _resolve_recipe(self, n_images: int) -> Recipe:
        match self.recipe:
            case None:
                recipe = default_recipe(ARRAYS, n_images)
            case Recipe():
                recipe = self.recipe
            case _:
                recipe = load_recipe(self.recipe)
        return recipe.override({name.replace("__", "."): value for name, value in self._overrides.items()})

    def _images(self, rows: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Convert rows to images of uint8, or of float32 in 0 .. 1."""
        if self.range_ != _UNIT_RANGE or rows.dtype != np.uint8:
            rows = _scale(rows, *self.range_)
        return rows.reshape(-1, *self.shape_)

    def _train(self, data: Dataset, recipe: Recipe) -> Model:
        if self.runs_root is not None:
            folder = create_run_folder(data.name, recipe, self.runs_root)
            return train(data, recipe, out=folder, threads=self.threads).model
        with tempfile.TemporaryDirectory(prefix="optotype-") as temporary:
            try:
                run = train(data, recipe, out=Path(temporary) / "run", threads=self.threads, curves=False)
            except DivergedError as error:
                raise DivergedError(f"{error} That folder was temporary. Set runs_root to keep it.") from None
            return run.model

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _as_bytes(state["model_"])
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        restored = dict(state)
        if "model_" in restored:
            restored["model_"] = _from_bytes(restored["model_"])
        super().__setstate__(restored)


def _image_shape(X: ArrayLike) -> tuple[int, ...]:  # noqa: N803 - scikit-learn's name
    """Return the shape of one image, (height, width[, channels]); () if X contains rows or is not an array."""
    shape = np.shape(X) if isinstance(X, list | tuple) else getattr(X, "shape", ())
    return tuple(shape[1:]) if len(shape) in (3, 4) else ()


def _rows(X: ArrayLike) -> ArrayLike:  # noqa: N803 - scikit-learn's name
    """Flatten images into rows; other input is returned unchanged, for scikit-learn to validate."""
    if not _image_shape(X):
        return X
    images = np.asarray(X)
    return images.reshape(len(images), math.prod(images.shape[1:]))


def _resolve_shape(image_shape: tuple[int, ...], features: int, requested: tuple[int, ...] | None) -> Shape:
    """Return the shape of the images: their own, the requested one, or one that suits the length of a row."""
    if requested is not None and (len(requested) not in (2, 3) or math.prod(map(int, requested)) != features):
        raise ValueError(
            f"shape is {requested}, but each image of X has {features} numbers, expected (height, width) or (height,"
            f" width, channels) with the product {features}. Correct shape or X."
        )
    if image_shape and requested is not None and _with_channels(image_shape) != _with_channels(requested):
        raise ValueError(
            f"X has images of shape {image_shape}, expected {tuple(requested)}. Resize the images."
        )
    side = math.isqrt(features)
    if not image_shape and requested is None and side * side != features > MAX_SIDE:
        raise ValueError(
            f"X has rows of {features} numbers, expected a square number (square grey images) or at most"
            f" {MAX_SIDE}. Set shape=(height, width, channels), or pass X as images."
        )
    return _with_channels(
        image_shape or requested or ((side, side) if side * side == features else (1, features))
    )


def _with_channels(shape: tuple[int, ...]) -> Shape:
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels


def _range(rows: NDArray[Any]) -> tuple[float, float]:
    """Return the numbers that are black and white: 0 and 1, or the smallest and largest if some are outside 0 .. 1."""
    low, high = float(rows.min()), float(rows.max())
    if rows.dtype == np.uint8 or (low >= 0 and high <= 1):
        return _UNIT_RANGE
    return low, max(high, low + np.spacing(abs(low)))


def _scale(rows: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Scale numbers to 0 .. 1 and clip those outside, which occur if another data set was used for scaling."""
    mean = float(rows.mean(dtype=np.float64))
    if not low <= mean <= high:
        raise DataError(
            f"The mean of X is {mean:g}, expected {low:g} to {high:g}, the range of the training images. Scale X like"
            " the training images."
        )
    scaled: NDArray[np.float64] = ((rows.astype(np.float64) - low) / (high - low)).clip(0, 1)
    return scaled.astype(np.float32)


def _dataset(images: NDArray[np.uint8], labels: NDArray[np.int64], classes: NDArray[Any]) -> Dataset:
    """Return a data set of all images, without a test split: scikit-learn's users hold out their own test images."""
    names = tuple(normalize_class_name("y", str(label)) for label in classes.tolist())
    if len(set(names)) < len(names):
        raise DataError(
            f"y has different labels with the same text among {', '.join(names)}, expected unique class names. Rename"
            " them."
        )
    empty = images[:0], labels[:0]
    return Dataset(ARRAYS, images, labels, names, "not stated", ARRAYS, SealedTest(0, lambda: empty))


def _as_bytes(model: Model) -> bytes:
    with tempfile.TemporaryDirectory(prefix="optotype-") as folder:
        path = Path(folder) / MODEL_FILE
        model.save(path)
        return path.read_bytes()


def _from_bytes(content: bytes) -> Model:
    with tempfile.TemporaryDirectory(prefix="optotype-") as folder:
        path = Path(folder) / MODEL_FILE
        path.write_bytes(content)
        return Model.load(path)
