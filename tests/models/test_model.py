"""A model: predictions from pixels, its parts, and the errors for wrong ones."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from optotype.engine.layers import Dense, Flatten
from optotype.engine.network import Network
from optotype.engine.processor import available_isas
from optotype.errors import DataError, EngineError, ImageError, ModelError
from optotype.models.model import Model
from optotype.models.prediction import Prediction
from optotype.recipes.recipe import Recipe
from tests.models.samples import CLASSES, SHAPE, calibrated_model, small_model

_IMAGES = np.arange(2 * 12, dtype=np.uint8).reshape(2, *SHAPE) * 10


def _prediction(*probabilities: float) -> Prediction:
    return Prediction("x", 0.5, np.array(probabilities, np.float32), tuple("abcdef"[: len(probabilities)]))


def test_logits() -> None:
    """A model's logits are those of the engine's network with its weights."""
    model = small_model()
    network = Network(model.layers, SHAPE, threads=1)
    network.set_weights(model.weights)
    np.testing.assert_array_equal(model.logits(_IMAGES), network.logits(_IMAGES))


def test_network_is_built_once() -> None:
    """The network is built on first use and reused."""
    model = small_model()
    assert "network" not in vars(model)
    model.logits(_IMAGES)
    assert model.network is model.network


@pytest.mark.parametrize("pixels", ["unit", "raw"])
def test_bytes_and_floats_agree(pixels: str) -> None:
    """An image as uint8 and as float32 in 0..1 has the same probabilities, for both pixel ranges of networks."""
    model = small_model(recipe=Recipe.model_validate({"layers": [Flatten()], "pixels": pixels}))
    floats = (_IMAGES / 255).astype(np.float32)
    np.testing.assert_allclose(model.predict_proba(_IMAGES), model.predict_proba(floats), rtol=1e-4)


def test_probabilities() -> None:
    """Probabilities are float32, one row per image, and add up to 1."""
    probabilities = small_model().predict_proba(_IMAGES)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions are in fp32 by default; bf16 requires AMX."""
    if "amx" in available_isas():
        half = small_model().predict_proba(_IMAGES, precision="bf16")
        assert (half != small_model().predict_proba(_IMAGES)).any()
        np.testing.assert_allclose(half, small_model().predict_proba(_IMAGES), rtol=0.1)
    monkeypatch.setenv("OPTOTYPE_ISA", "portable")
    with pytest.raises(EngineError, match=r"bf16.*fp32 on portable"):
        small_model().predict(_IMAGES, precision="bf16")


def test_predict_names_the_most_probable_class() -> None:
    """A prediction's label and probability are those of the largest probability."""
    model = small_model()
    for prediction, row in zip(model.predict(_IMAGES), model.predict_proba(_IMAGES), strict=True):
        assert prediction.label == CLASSES[row.argmax()]
        assert prediction.probability == pytest.approx(row.max())
        assert prediction.top(1) == [(prediction.label, prediction.probability)]


def test_model_with_uncertainty() -> None:
    """Probabilities are calibrated, label sets contain the label, novel images are unknown, logits stay raw."""
    model, plain = calibrated_model(), small_model()
    assert model.calibration is not None
    assert model.novelty is not None
    dark = np.random.default_rng(1).integers(0, 64, (40, *SHAPE), np.uint8)
    images = np.concatenate([dark, dark + 190])
    logits, distances = model.logits_and_distances(images)
    assert distances is not None
    np.testing.assert_array_equal(logits, plain.logits(images))
    np.testing.assert_array_equal(logits, model.logits(images))
    calibrated = model.calibration.probabilities(logits)
    np.testing.assert_array_equal(model.predict_proba(images), calibrated.astype(np.float32))
    sets = model.calibration.label_sets(calibrated)
    for index, prediction in enumerate(model.predict(images)):
        assert prediction.label_set == tuple(CLASSES[label] for label in np.flatnonzero(sets[index]))
        assert prediction.label in prediction.label_set
        assert prediction.probability == pytest.approx(calibrated[index].max())
        assert prediction.unknown == (distances[index] > model.novelty.threshold)
    unknown = [prediction.unknown for prediction in model.predict(images)]
    assert all(unknown[40:])
    assert sum(map(bool, unknown[:40])) < 10


def test_model_without_uncertainty() -> None:
    """Without calibration and novelty detector there are no label sets and no distances, and no error."""
    model = small_model()
    assert model.logits_and_distances(_IMAGES)[1] is None
    assert [(prediction.label_set, prediction.unknown) for prediction in model.predict(_IMAGES)] == [
        (None, None)
    ] * 2


def test_empty_array_with_uncertainty() -> None:
    """An empty array has empty logits, distances and predictions."""
    empty = np.empty((0, *SHAPE), np.uint8)
    for model in (calibrated_model(), small_model()):
        assert model.logits_and_distances(empty)[0].shape == (0, 3)
        assert model.predict(empty) == []
    distances = calibrated_model().logits_and_distances(empty)[1]
    assert distances is not None
    assert distances.shape == (0,)


def test_predict_pictures(tmp_path: Path) -> None:
    """A picture file, a list of files and the array of their pixels have the same probabilities."""
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for path, image in zip(paths, _IMAGES, strict=True):
        Image.fromarray(image[..., 0]).save(path)
    model = small_model()
    expected = model.predict_proba(_IMAGES)
    np.testing.assert_array_equal(model.predict_proba([str(path) for path in paths]), expected)
    np.testing.assert_array_equal(model.predict_proba(paths[0]), expected[:1])
    with pytest.raises(ImageError, match="missing"):
        model.predict(tmp_path / "missing.png")


def test_empty_list() -> None:
    """An empty list has no predictions, and is not an error."""
    model = small_model()
    assert model.predict([]) == []
    assert model.predict_proba(np.empty((0, *SHAPE), np.uint8)).shape == (0, 3)


def test_wrong_shape() -> None:
    """An array of another shape raises a DataError."""
    with pytest.raises(DataError, match="shape"):
        small_model().predict(np.zeros((2, 5, 5), np.uint8))


def test_weights_are_copied_and_read_only() -> None:
    """Weights are copies of the arguments, and read-only."""
    weights = {name: np.array(weight) for name, weight in small_model().weights.items()}
    model = Model(small_model().recipe, SHAPE, CLASSES, weights)
    weights["2.bias"][:] = 7
    assert not model.weights["2.bias"].any()
    with pytest.raises(ValueError, match="read-only"):
        model.weights["2.bias"][0] = 1


@pytest.mark.parametrize(
    ("name", "weight", "message"),
    [
        (
            "2.bias",
            np.zeros(4, np.float32),
            "'2.bias' is float32 of shape (4,), expected float32 of shape (5,)",
        ),
        ("2.bias", np.zeros(5), "'2.bias' is float64 of shape (5,)"),
        ("2.bias", np.full(5, np.nan, np.float32), "'2.bias' has a value that is not finite"),
        ("2.bias", np.full(5, np.inf, np.float32), "'2.bias' has a value that is not finite"),
        ("2.extra", np.zeros(5, np.float32), "[] are missing and ['2.extra'] are unexpected"),
        ("2.bias", None, "['2.bias'] are missing and [] are unexpected"),
    ],
)
def test_wrong_weights(name: str, weight: np.ndarray | None, message: str) -> None:
    """Weights that are not exactly those of the layers, or not finite, raise a ModelError."""
    weights = dict(small_model().weights)
    weights.pop(name, None)
    if weight is not None:
        weights[name] = weight
    with pytest.raises(ModelError) as caught:
        Model(small_model().recipe, SHAPE, CLASSES, weights)
    assert message in str(caught.value)


def test_layers_that_do_not_fit() -> None:
    """A recipe without Flatten before its head raises a ModelError with advice."""
    with pytest.raises(ModelError, match="Put Flatten before it"):
        Model(Recipe(layers=()), SHAPE, CLASSES, {})


def test_properties() -> None:
    """A model has its layers with the head, its pixel range, and a short repr."""
    model = small_model()
    assert model.layers[-1] == Dense(3, "softmax")
    assert model.pixels == "unit"
    assert repr(model) == "Model('custom', 4x3x1, 3 classes)"


def test_top_is_sorted_and_stable() -> None:
    """Top classes are sorted by probability, equal ones in the order of the classes."""
    prediction = _prediction(0.25, 0.5, 0.25)
    assert prediction.top(2) == [("b", 0.5), ("a", 0.25)]
    assert prediction.top(9) == [("b", 0.5), ("a", 0.25), ("c", 0.25)]
    with pytest.raises(DataError, match="k is 0"):
        prediction.top(0)


def test_prediction_repr_is_short() -> None:
    """The repr of a prediction has its label and probability."""
    assert repr(_prediction(0.5, 0.5)) == "Prediction('x', 0.5000)"


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_batch_independence(seed: int, n: int) -> None:
    """Probabilities and label sets of an image are equal bit for bit, alone or in any batch."""
    model = calibrated_model()
    images = np.random.default_rng(seed).integers(0, 256, (n, *SHAPE), np.uint8)
    batch = model.predict(images)
    for image, prediction in zip(images, batch, strict=True):
        (alone,) = model.predict([image])
        assert alone.probabilities.tobytes() == prediction.probabilities.tobytes()
        assert alone.label_set == prediction.label_set


def test_provenance_of_another_type() -> None:
    """A provenance that is not a Provenance, for example a dictionary, raises a ModelError."""
    model = small_model()
    with pytest.raises(ModelError, match="expected a Provenance"):
        Model(model.recipe, SHAPE, CLASSES, model.weights, {"run": "r"})  # type: ignore[arg-type]
