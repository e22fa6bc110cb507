"""ImageClassifier: scikit-learn's own checks, forms of X and y, parameters, pickling, and files."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final
from unittest import SkipTest

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from optotype.data.load import load
from optotype.engine.layers import Conv2D, Dense, Flatten
from optotype.engine.optimizers import SGD, Adam
from optotype.errors import DataError, DivergedError, EngineError, ModelError, RecipeError
from optotype.estimator import ImageClassifier
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run

SKIPPED: Final = {
    "check_array_api_input": "scikit-learn runs it only if SCIPY_ARRAY_API was set before SciPy was imported",
}
"""Checks that scikit-learn skips, with the reason. No check is expected to fail."""

NET: Final = Recipe(
    layers=(Flatten(), Dense(32, "relu")), optimizer=Adam(0.02), batch_size=16, epochs=10, validation=0
)
X = np.random.default_rng(0).integers(0, 256, (60, 6, 6)).astype(np.uint8)
Y = np.arange(60) % 3
X[:, :2, :2] = 100 * Y[:, np.newaxis, np.newaxis]
"""Three classes with different brightness of one corner."""


@parametrize_with_checks(  # type: ignore[untyped-decorator]  # scikit-learn ships no types
    [ImageClassifier(NET, epochs=15, optimizer__beta_1=0.8)]
)
def test_scikit_learns_own_checks_pass(estimator: ImageClassifier, check: Any) -> None:
    """All of scikit-learn's checks of a classifier pass, except those that it skips for a listed reason."""
    try:
        check(estimator)
    except SkipTest:
        assert check.func.__name__ in SKIPPED
        raise


def _fitted(**overrides: Any) -> ImageClassifier:
    return ImageClassifier(NET, **overrides).fit(X, Y)


@pytest.mark.parametrize(
    "labels", [np.array(["ζ", "b", "a"]), np.array([7, -1, 3]), np.array(["x", "y", "z"], object)]
)
def test_labels_keep_their_type(labels: NDArray[Any]) -> None:
    """Predictions are strings or integers like y; classes_ is sorted; the model's class names are their text."""
    classifier = ImageClassifier(NET).fit(X, labels[Y])
    assert classifier.classes_.tolist() == sorted(labels.tolist())
    assert classifier.model_.class_names == tuple(map(str, classifier.classes_))
    assert classifier.score(X, labels[Y]) == 1
    assert classifier.predict(X).dtype == classifier.classes_.dtype


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (X, None),
        (X[..., np.newaxis], None),
        (X.reshape(60, 36), None),
        (X.reshape(60, 36), (6, 6)),
        (list(X), None),
        (X / 255, None),
        ((X / 255).astype(np.float32), None),
    ],
)
def test_all_forms_of_images_give_the_same_weights(images: Any, shape: tuple[int, ...] | None) -> None:
    """Images and rows, of uint8 or in 0 .. 1, give the same weights bit for bit, and any form can be predicted."""
    classifier = ImageClassifier(NET, shape=shape).fit(images, Y)
    assert classifier.shape_ == (6, 6, 1)
    assert classifier.n_features_in_ == 36
    assert classifier.range_ == (0.0, 1.0)
    expected = _fitted().model_.weights
    assert all(np.array_equal(weight, expected[name]) for name, weight in classifier.model_.weights.items())
    for form in (X, X.reshape(60, 36), X / 255):
        np.testing.assert_allclose(
            classifier.predict_proba(form), classifier.predict_proba(images), atol=1e-6
        )


def test_probabilities_equal_the_models() -> None:
    """predict_proba equals the model's bit for bit, and predict returns the most probable label."""
    classifier = _fitted()
    proba = classifier.predict_proba(X)
    assert proba.tobytes() == classifier.model_.predict_proba(X).tobytes()
    assert classifier.predict(X).tolist() == [
        int(prediction.label) for prediction in classifier.model_.predict(X)
    ]


def test_rows_become_images() -> None:
    """Rows whose length is not a square number are images of height 1, unless a shape is set."""
    rows = X.reshape(60, 36)
    assert ImageClassifier(NET).fit(rows[:, :12], Y).shape_ == (1, 12, 1)
    assert ImageClassifier(NET, shape=(3, 4)).fit(rows[:, :12], Y).shape_ == (3, 4, 1)
    assert ImageClassifier(NET, shape=(2, 2, 3)).fit(rows[:, :12], Y).shape_ == (2, 2, 3)


def test_other_numbers_are_scaled_by_the_training_range() -> None:
    """Numbers outside 0 .. 1 are scaled by their training range: 0 .. 16 gives the same weights as 0 .. 255."""
    sixteenths = X / 255 * 16
    classifier = ImageClassifier(NET).fit(sixteenths, Y)
    assert classifier.range_ == (0.0, 16.0)
    expected = _fitted().model_.weights
    assert all(np.array_equal(weight, expected[name]) for name, weight in classifier.model_.weights.items())
    beyond = np.where(sixteenths == 16, 17, sixteenths)
    assert np.array_equal(classifier.predict_proba(beyond), classifier.predict_proba(sixteenths))


def test_numbers_on_another_scale_raise_an_error() -> None:
    """A classifier trained on 0 .. 1 does not predict images in 0 .. 255."""
    with pytest.raises(DataError, match=r"X is 1\d\d\.\d+, expected 0 to 1"):
        _fitted().predict(X.astype(np.float64))


def test_recipe_settings_are_parameters() -> None:
    """Recipe settings are parameters with two underscores for the dot; clone copies them, and fit uses them."""
    classifier = ImageClassifier(NET, threads=1, epochs=2, optimizer__learning_rate=0.5)
    params = {"recipe": NET, "shape": None, "threads": 1, "runs_root": None}
    assert classifier.get_params() == {**params, "epochs": 2, "optimizer__learning_rate": 0.5}
    copy = clone(classifier).set_params(epochs=1, threads=2, optimizer=SGD(), seed=3)
    assert classifier.get_params()["epochs"] == 2
    recipe = copy.fit(X, Y).model_.recipe
    assert (recipe.epochs, recipe.seed, recipe.optimizer.type) == (1, 3, "SGD")
    assert recipe.optimizer.learning_rate == 0.5
    assert "optimizer__learning_rate=0.5" in repr(classifier)


def test_recipes_are_loaded_by_name() -> None:
    """A built-in recipe is loaded by its name; the default is the recipe for image files."""
    assert ImageClassifier("mlp-32-16", epochs=1, validation=0).fit(X, Y).model_.recipe.name == "mlp-32-16"
    wide = np.kron(X, np.ones((1, 2, 2), np.uint8))
    assert ImageClassifier(epochs=1).fit(wide, Y).model_.recipe.name == "pictures-quick"


def test_grid_search_finds_the_better_setting() -> None:
    """GridSearchCV searches recipe settings and refits the best."""
    grid = {"epochs": [1, 15], "optimizer__learning_rate": [1e-9, 0.02]}
    search = GridSearchCV(ImageClassifier(NET, threads=1), grid, cv=2).fit(X, Y)
    assert search.best_params_ == {"epochs": 15, "optimizer__learning_rate": 0.02}
    assert search.best_estimator_.score(X, Y) == 1


def test_classifier_works_in_a_pipeline() -> None:
    """In a pipeline its settings have names, and a fold outside the scaler's range can be predicted."""
    digits, labels = load_digits(return_X_y=True)
    pipeline = make_pipeline(MinMaxScaler(), ImageClassifier(NET))
    pipeline.set_params(imageclassifier__epochs=5, imageclassifier__optimizer__learning_rate=0.02)
    assert cross_val_score(pipeline, digits[:600] - 3, labels[:600], cv=2).min() > 0.7


def test_pickle_contains_the_model_file() -> None:
    """A pickled estimator predicts the same; it contains the model file, which is validated when it is loaded."""
    classifier = _fitted()
    copy = pickle.loads(pickle.dumps(classifier))  # noqa: S301 - made here
    assert copy.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    assert copy.get_params() == classifier.get_params()
    state = classifier.__getstate__()
    assert isinstance(state["model_"], bytes)
    damaged = {**state, "model_": state["model_"][:-4]}
    with pytest.raises(ModelError):
        ImageClassifier().__setstate__(damaged)
    untrained = pickle.loads(pickle.dumps(ImageClassifier(NET, epochs=1)))  # noqa: S301 - made here
    assert untrained.get_params()["epochs"] == 1


def test_runs_are_saved_only_with_runs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without runs_root a fit leaves no file, even if it fails; with runs_root every fit saves its own run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pickle.dumps(_fitted())
    with pytest.raises(DivergedError, match="runs_root"):
        _fitted(optimizer__learning_rate=1e30)
    assert list(tmp_path.iterdir()) == []
    classifier = ImageClassifier(NET, runs_root=tmp_path / "kept")
    for _ in range(2):
        classifier.fit(X, Y)
    runs = [Run.open(folder) for folder in (tmp_path / "kept").iterdir()]
    assert [run.status for run in runs] == ["finished"] * 2
    assert all(
        np.array_equal(run.model.weights["1.kernel"], classifier.model_.weights["1.kernel"]) for run in runs
    )
    assert (runs[0].path / "loss.png").exists()


def test_invalid_arguments_raise_errors() -> None:
    """Contradicting shapes, unknown settings, one class and unsuitable layers raise errors that name the value."""
    rows = X.reshape(60, 36)
    for classifier, images, labels, error, message in (
        (
            ImageClassifier(NET, shape=(5, 5)),
            rows,
            Y,
            ValueError,
            r"shape is \(5, 5\), but each image of X has 36",
        ),
        (ImageClassifier(NET, shape=(36,)), rows, Y, ValueError, r"expected \(height, width\) or"),
        (
            ImageClassifier(NET, shape=(4, 9)),
            X,
            Y,
            ValueError,
            r"images of shape \(6, 6\), expected \(4, 9\)",
        ),
        (ImageClassifier(NET), np.tile(rows, 5), Y, ValueError, "rows of 180 numbers, .* shape="),
        (ImageClassifier(NET), X, np.zeros(60, int), ValueError, "y has 1 class"),
        (ImageClassifier(NET), X, np.array(["", "b"])[Y % 2], DataError, "a class named ''"),
        (
            ImageClassifier(NET, epoch=3),
            X,
            Y,
            RecipeError,
            "'epoch'.*'epochs'",
        ),
        (ImageClassifier("cnn-larg"), X, Y, RecipeError, "'cnn-large'"),
        (ImageClassifier(Recipe(layers=(Conv2D(2, 9), Flatten()))), X, Y, EngineError, "9x9"),
    ):
        with pytest.raises(error, match=message):
            classifier.fit(images, labels)
    with pytest.raises(ValueError, match=r"images of shape \(4, 9\), expected \(6, 6, 1\)"):
        _fitted().predict(X.reshape(60, 4, 9))
    with pytest.raises(NotFittedError):
        ImageClassifier(NET).predict(X)


def test_labels_with_the_same_text_raise_an_error() -> None:
    """Two labels with the same normalized text would be one class in the model."""
    with pytest.raises(DataError, match="same text"):
        ImageClassifier(NET).fit(X, np.array(["\u00e9", "e\u0301"])[Y % 2])


def test_training_never_imports_scikit_learn() -> None:
    """Importing optotype and its training does not import scikit-learn; ImageClassifier does."""
    program = (
        "import sys, optotype as ot; ot.train, ot.Model; print('sklearn' in sys.modules);"
        " ot.ImageClassifier; print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.slow
def test_mnist_is_learned_from_rows() -> None:
    """10,000 MNIST images as rows of floats give an accuracy above 0.95 on 5,000 others."""
    mnist = load("mnist")
    rows = mnist.images.reshape(-1, 784).astype(np.float64)
    classifier = ImageClassifier("mnist-quick", validation=0).fit(rows[:10_000], mnist.labels[:10_000])
    assert classifier.score(rows[-5_000:], mnist.labels[-5_000:]) > 0.95
