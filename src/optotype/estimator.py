"""ImageClassifier: a training as a scikit-learn estimator, to be put wherever scikit-learn takes a classifier.

It adds nothing to a training but scikit-learn's manners: rows or images in, any labels, parameters by name, and
pickling by way of the model file. docs/estimator.md shows its use.
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
from optotype.runs.naming import new_folder
from optotype.runs.run import MODEL_FILE
from optotype.training.train import train

Shape = tuple[int, int, int]

_STANDARD: Final = (0.0, 1.0)


class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A classifier of small images that behaves as scikit-learn's classifiers do.

    X is an array of shape (n, height, width), (n, height, width, channels) or (n, features). Rows are square grey
    images where their length is a square, and images of one line otherwise, unless ``shape`` says what they are. Pixels
    are uint8, or numbers in 0 .. 1. Where X holds other numbers, the smallest and the largest of those that are trained
    on become black and white. A training sees pixels in 256 steps, so finer differences are lost to it.

    Args:
        recipe: What to train: a recipe, the name of a built-in one or the path of a file; by default the one that
            `optotype train` takes for pictures, with as many epochs as suit their number.
        shape: (height, width) or (height, width, channels) of an image, for X in rows.
        threads: Threads to use, at least 1; by default every core. They do not change the result.
        runs_root: Folder in which every fit leaves its run folder; by default none is kept.
        **overrides: Settings of the recipe to change, as `Recipe.override` takes them, a table's with two underscores
            in the place of the dot: ``epochs=5, optimizer__learning_rate=0.01, seed=3``.

    Attributes:
        classes_: The labels that occur in training, sorted.
        n_features_in_: Numbers that make up an image.
        feature_names_in_: Names of the columns, where X was a frame whose columns have names.
        shape_: (height, width, channels) of an image.
        range_: What is black and what is white where X is not uint8. In predictions, numbers outside of it are cut off.
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
        """Get the parameters by name: those above, and every setting of the recipe that is overridden."""
        return {**super().get_params(deep), **self._overrides}

    def set_params(self, **params: object) -> "ImageClassifier":
        """Set parameters by name: those above, and any setting of the recipe; whether they fit is for `fit` to say."""
        own = set(self._get_param_names())
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
        self._overrides = {**self._overrides, **{name: params[name] for name in params if name not in own}}
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> "ImageClassifier":  # noqa: N803 - scikit-learn's name
        """Train.

        Args:
            X: Images, as the class says.
            y: Their labels, strings or integers, of shape (n,), of at least two classes.

        Returns:
            This estimator.

        Raises:
            ValueError: X or y is none that a classifier of scikit-learn could take, or y has one class.
            DataError: X is no image, or a label cannot be the name of a class.
            RecipeError: The recipe, or a setting, is unknown or does not fit the data.
            EngineError: The layers do not fit the images.
            DivergedError: The loss is no longer a number.
        """
        rows, labels = validate_data(self, _rows(X), y)
        check_classification_targets(labels)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has 1 class, {self.classes_[0]!r}, expected at least two to tell apart. Add images of another."
            )
        self.shape_ = _shape(_form(X), rows.shape[1], self.shape)
        self.range_ = _range(rows)
        data = _dataset(to_uint8(check_images(self._images(rows), name="X")), indices, self.classes_)
        self.model_ = self._train(data, self._recipe(len(rows)))
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        """Compute the probability of each class, as the model does.

        Args:
            X: Images like those that were trained on; either form (rows or images) will do.

        Returns:
            float32 array of shape (n, classes), in the order of ``classes_``, each row adding up to 1.

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X is no array of numbers, or has another number of features.
            DataError: X holds numbers on another scale than those that were trained on.
        """
        check_is_fitted(self)
        rows = validate_data(self, _rows(X), reset=False)
        _shape(_form(X), rows.shape[1], self.shape_)
        return self.model_.predict_proba(self._images(rows))

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """Say which label each image most probably has; arguments and errors as for `predict_proba`.

        Returns:
            Labels of ``classes_``, of shape (n,).
        """
        best = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def _recipe(self, images: int) -> Recipe:
        match self.recipe:
            case None:
                recipe = default_recipe(ARRAYS, images)
            case Recipe():
                recipe = self.recipe
            case _:
                recipe = load_recipe(self.recipe)
        return recipe.override({name.replace("__", "."): value for name, value in self._overrides.items()})

    def _images(self, rows: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Bring rows into the form of images, uint8 or float32 in 0 .. 1."""
        if self.range_ != _STANDARD or rows.dtype != np.uint8:
            rows = _scaled(rows, *self.range_)
        return rows.reshape(-1, *self.shape_)

    def _train(self, data: Dataset, recipe: Recipe) -> Model:
        if self.runs_root is not None:
            folder = new_folder(data.name, recipe, self.runs_root)
            return train(data, recipe, out=folder, threads=self.threads).model
        with tempfile.TemporaryDirectory(prefix="optotype-") as temporary:
            try:
                run = train(data, recipe, out=Path(temporary) / "run", threads=self.threads, curves=False)
            except DivergedError as error:
                raise DivergedError(
                    f"{error} That folder was a temporary one; give runs_root to keep it."
                ) from None
            return run.model

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _as_bytes(state["model_"])
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        given = dict(state)
        if "model_" in given:
            given["model_"] = _from_bytes(given["model_"])
        super().__setstate__(given)


def _form(X: ArrayLike) -> tuple[int, ...]:  # noqa: N803 - scikit-learn's name
    """Give the shape of one image, (height, width[, channels]); an empty one where X holds rows or what is no array."""
    shape = np.shape(X) if isinstance(X, list | tuple) else getattr(X, "shape", ())
    return tuple(shape[1:]) if len(shape) in (3, 4) else ()


def _rows(X: ArrayLike) -> ArrayLike:  # noqa: N803 - scikit-learn's name
    """Lay out images as rows; what is no images is for scikit-learn to check."""
    if not _form(X):
        return X
    images = np.asarray(X)
    return images.reshape(len(images), math.prod(images.shape[1:]))


def _shape(form: tuple[int, ...], features: int, asked: tuple[int, ...] | None) -> Shape:
    """Say which shape images have: their own, or the one asked for, or what suits the length of a row."""
    if asked is not None and (len(asked) not in (2, 3) or math.prod(map(int, asked)) != features):
        raise ValueError(
            f"shape is {asked}, but each image of X has {features} numbers, expected (height, width) or (height, width,"
            " channels) whose product is that. Correct one of them."
        )
    if form and asked is not None and _with_channels(form) != _with_channels(asked):
        raise ValueError(f"X has images of shape {form}, expected {tuple(asked)}. Resize them.")
    side = math.isqrt(features)
    if not form and asked is None and side * side != features > MAX_SIDE:
        raise ValueError(
            f"X has rows of {features} numbers, which are no square grey images, expected a square number or at most"
            f" {MAX_SIDE}. Give shape=(height, width, channels), or X as images."
        )
    return _with_channels(form or asked or ((side, side) if side * side == features else (1, features)))


def _with_channels(shape: tuple[int, ...]) -> Shape:
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels


def _range(rows: NDArray[Any]) -> tuple[float, float]:
    """Say which numbers are black and white: 0 and 1, or the smallest and the largest where some lie outside."""
    low, high = float(rows.min()), float(rows.max())
    if rows.dtype == np.uint8 or (low >= 0 and high <= 1):
        return _STANDARD
    return low, max(high, low + np.spacing(abs(low)))


def _scaled(rows: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Bring numbers to 0 .. 1, cutting off what is outside, as some are that were scaled by other images."""
    mean = float(rows.mean(dtype=np.float64))
    if not low <= mean <= high:
        raise DataError(
            f"The numbers of X are {mean:g} on average, expected between {low:g} and {high:g}, black and white in"
            " training. Scale X as the images that were trained on."
        )
    scaled: NDArray[np.float64] = ((rows.astype(np.float64) - low) / (high - low)).clip(0, 1)
    return scaled.astype(np.float32)


def _dataset(images: NDArray[np.uint8], labels: NDArray[np.int64], classes: NDArray[Any]) -> Dataset:
    """Make a data set of it all, with no image sealed as a test: who calls holds out what is to judge by."""
    names = tuple(normalize_class_name("y", str(label)) for label in classes.tolist())
    if len(set(names)) < len(names):
        raise DataError(
            f"y has labels that read alike among {', '.join(names)}, expected different ones. Rename them."
        )
    nothing = images[:0], labels[:0]
    return Dataset(ARRAYS, images, labels, names, "not stated", ARRAYS, SealedTest(0, lambda: nothing))


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
