"""A model: from pixels to probabilities, and what it is made of."""

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
from optotype.models.model import Model, Prediction
from optotype.recipes.recipe import Recipe
from tests.models.samples import CLASSES, SHAPE, doubting_model, small_model

_IMAGES = np.arange(2 * 12, dtype=np.uint8).reshape(2, *SHAPE) * 10


def _prediction(*probabilities: float) -> Prediction:
    return Prediction("x", 0.5, np.array(probabilities, np.float32), tuple("abcdef"[: len(probabilities)]))


def test_logits_are_the_networks() -> None:
    """A model answers what the engine's network with its weights answers."""
    model = small_model()
    network = Network(model.layers, SHAPE, threads=1)
    network.set_weights(model.weights)
    np.testing.assert_array_equal(model.logits(_IMAGES), network.logits(_IMAGES))


def test_network_is_made_once() -> None:
    """The network is built at the first question and kept."""
    model = small_model()
    assert "network" not in vars(model)
    model.logits(_IMAGES)
    assert model.network is model.network


@pytest.mark.parametrize("pixels", ["unit", "raw"])
def test_bytes_and_floats_agree(pixels: str) -> None:
    """An image as uint8 and as float32 in 0..1 gets the same probabilities, whichever pixels the network takes."""
    model = small_model(recipe=Recipe.model_validate({"layers": [Flatten()], "pixels": pixels}))
    floats = (_IMAGES / 255).astype(np.float32)
    np.testing.assert_allclose(model.predict_proba(_IMAGES), model.predict_proba(floats), rtol=1e-4)


def test_probabilities() -> None:
    """Probabilities are float32, one row an image, and add up to 1."""
    probabilities = small_model().predict_proba(_IMAGES)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_precision_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are in fp32 unless bf16 is asked for, which a processor without AMX refuses."""
    if "amx" in available_isas():
        half = small_model().predict_proba(_IMAGES, precision="bf16")
        assert (half != small_model().predict_proba(_IMAGES)).any()
        np.testing.assert_allclose(half, small_model().predict_proba(_IMAGES), rtol=0.1)
    monkeypatch.setenv("OPTOTYPE_ISA", "portable")
    with pytest.raises(EngineError, match="asked for in bf16, but this network computes in fp32 on portable"):
        small_model().predict(_IMAGES, precision="bf16")


def test_predict_names_the_most_probable_class() -> None:
    """A prediction's label and probability are those of the largest probability."""
    model = small_model()
    for prediction, row in zip(model.predict(_IMAGES), model.predict_proba(_IMAGES), strict=True):
        assert prediction.label == CLASSES[row.argmax()]
        assert prediction.probability == pytest.approx(row.max())
        assert prediction.top(1) == [(prediction.label, prediction.probability)]


def test_a_model_with_doubts_says_them() -> None:
    """Probabilities are calibrated, sets hold the label, images unlike the training's are unknown, logits stay raw."""
    model, plain = doubting_model(), small_model()
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
    for place, prediction in enumerate(model.predict(images)):
        assert prediction.label_set == tuple(CLASSES[c] for c in np.flatnonzero(sets[place]))
        assert prediction.label in prediction.label_set
        assert prediction.probability == pytest.approx(calibrated[place].max())
        assert prediction.unknown == (distances[place] > model.novelty.threshold)
    unknown = [prediction.unknown for prediction in model.predict(images)]
    assert all(unknown[40:])
    assert sum(map(bool, unknown[:40])) < 10


def test_a_model_without_doubts_says_none() -> None:
    """Without a calibration and a familiarity there are no sets, no distances and no verdict; and no error."""
    model = small_model()
    assert model.logits_and_distances(_IMAGES)[1] is None
    assert [(each.label_set, each.unknown) for each in model.predict(_IMAGES)] == [(None, None)] * 2


def test_no_images_are_examined_too() -> None:
    """An empty array is answered with empty ones."""
    none = np.empty((0, *SHAPE), np.uint8)
    for model in (doubting_model(), small_model()):
        assert model.logits_and_distances(none)[0].shape == (0, 3)
        assert model.predict(none) == []
    distances = doubting_model().logits_and_distances(none)[1]
    assert distances is not None
    assert distances.shape == (0,)


def test_predict_pictures(tmp_path: Path) -> None:
    """A picture file, a list of them and the array of their pixels are answered alike."""
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for path, image in zip(paths, _IMAGES, strict=True):
        Image.fromarray(image[..., 0]).save(path)
    model = small_model()
    expected = model.predict_proba(_IMAGES)
    np.testing.assert_array_equal(model.predict_proba([str(path) for path in paths]), expected)
    np.testing.assert_array_equal(model.predict_proba(paths[0]), expected[:1])
    with pytest.raises(ImageError, match="missing"):
        model.predict(tmp_path / "missing.png")


def test_no_images() -> None:
    """No images get no answers rather than an error."""
    model = small_model()
    assert model.predict([]) == []
    assert model.predict_proba(np.empty((0, *SHAPE), np.uint8)).shape == (0, 3)


def test_wrong_images_are_refused() -> None:
    """An array of another shape is refused before the engine sees it."""
    with pytest.raises(DataError, match="shape"):
        small_model().predict(np.zeros((2, 5, 5), np.uint8))


def test_weights_are_copied_and_read_only() -> None:
    """A model does not change with the arrays that it was made of, nor through its own."""
    weights = {name: np.array(weight) for name, weight in small_model().weights.items()}
    model = Model(small_model().recipe, SHAPE, CLASSES, weights)
    weights["2.bias"][:] = 7
    assert not model.weights["2.bias"].any()
    with pytest.raises(ValueError, match="read-only"):
        model.weights["2.bias"][0] = 1


@pytest.mark.parametrize(
    ("name", "weight", "sentence"),
    [
        (
            "2.bias",
            np.zeros(4, np.float32),
            "'2.bias' is float32 of shape (4,), expected float32 of shape (5,)",
        ),
        ("2.bias", np.zeros(5), "'2.bias' is float64 of shape (5,)"),
        ("2.bias", np.full(5, np.nan, np.float32), "'2.bias' holds a value that is not finite"),
        ("2.bias", np.full(5, np.inf, np.float32), "'2.bias' holds a value that is not finite"),
        ("2.extra", np.zeros(5, np.float32), "lack [] and have ['2.extra'] too many"),
        ("2.bias", None, "lack ['2.bias'] and have [] too many"),
    ],
)
def test_wrong_weights(name: str, weight: np.ndarray | None, sentence: str) -> None:
    """Weights that are not exactly those of the layers, or not finite, make no model."""
    weights = dict(small_model().weights)
    weights.pop(name, None)
    if weight is not None:
        weights[name] = weight
    with pytest.raises(ModelError) as caught:
        Model(small_model().recipe, SHAPE, CLASSES, weights)
    assert sentence in str(caught.value)


def test_layers_that_do_not_fit() -> None:
    """A recipe without Flatten before its head makes no model, and the message says what is missing."""
    with pytest.raises(ModelError, match="Put Flatten before it"):
        Model(Recipe(layers=()), SHAPE, CLASSES, {})


def test_parts() -> None:
    """A model tells its layers, head included, and its pixels; its repr is short."""
    model = small_model()
    assert model.layers[-1] == Dense(3, "softmax")
    assert model.pixels == "unit"
    assert repr(model) == "Model('custom', 4x3x1, 3 classes)"


def test_top_is_sorted_and_stable() -> None:
    """The top classes come by falling probability, equal ones in the order of the classes, as many as there are."""
    prediction = _prediction(0.25, 0.5, 0.25)
    assert prediction.top(2) == [("b", 0.5), ("a", 0.25)]
    assert prediction.top(9) == [("b", 0.5), ("a", 0.25), ("c", 0.25)]
    with pytest.raises(DataError, match="top 0"):
        prediction.top(0)


def test_prediction_repr_is_short() -> None:
    """A prediction is shown as its label and probability."""
    assert repr(_prediction(0.5, 0.5)) == "Prediction('x', 0.5000)"


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_a_batch_says_what_each_image_says_alone(seed: int, n: int) -> None:
    """Probabilities and label sets are equal to the bit, whatever an image is predicted with."""
    model = doubting_model()
    images = np.random.default_rng(seed).integers(0, 256, (n, *SHAPE), np.uint8)
    together = model.predict(images)
    for image, one in zip(images, together, strict=True):
        (alone,) = model.predict([image])
        assert alone.probabilities.tobytes() == one.probabilities.tobytes()
        assert alone.label_set == one.label_set
