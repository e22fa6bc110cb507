"""from_keras: an imported model has Keras's predictions, or the error lists everything that is unsupported."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.errors import ModelError
from optotype.exporting.export import export
from optotype.exporting.keras.from_keras import from_keras
from optotype.models.model import Model
from tests.contracts.nets import NETS, SHAPE
from tests.exporting.samples import untrained

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

L = keras.layers
# _keras_model draws the weights, so that none has its initial value.
MODELS: dict[str, Callable[[], list[Any]]] = {
    "Dense": lambda: [
        keras.Input((5, 4)),
        L.Flatten(),
        L.Dense(7, "tanh"),
        L.Dense(6, use_bias=False),
        L.Dense(3, "softmax"),
    ],
    "Conv2D": lambda: [
        keras.Input((7, 6, 2)),
        L.Rescaling(1 / 255),
        L.Conv2D(4, (2, 3), padding="same", activation="sigmoid"),
        L.Conv2D(3, 2, use_bias=False),
        L.Flatten(),
        L.Dense(3, "softmax"),
    ],
    "MaxPooling2D": lambda: [
        keras.Input((7, 6, 1)),
        L.MaxPooling2D((3, 2)),
        L.MaxPooling2D((1, 2), strides=(1, 2)),
        L.Flatten(),
        L.Dense(3, "softmax"),
    ],
    "BatchNormalization": lambda: [
        keras.Input((5, 4, 3)),
        L.BatchNormalization(epsilon=0.01, momentum=0.9),
        L.BatchNormalization(scale=False),
        L.BatchNormalization(axis=3, center=False),
        L.Flatten(),
        L.BatchNormalization(axis=1, scale=False, center=False),
        L.Dense(3, "softmax"),
    ],
    "Dropout": lambda: [
        keras.Input((5, 4, 1)),
        L.Dropout(0.4),
        L.Flatten(),
        L.Dropout(0),
        L.Dense(3, "softmax"),
    ],
    "Activation": lambda: [
        keras.Input((5, 4, 1)),
        L.Conv2D(3, 2),
        L.Activation("relu"),
        L.Activation("linear"),
        L.Flatten(),
        L.Dense(5),
        L.ReLU(),
        L.Dense(4),
        L.Activation("tanh"),
        L.Dense(3),
        L.Softmax(),
    ],
    "Reshape": lambda: [
        keras.Input((20,)),
        L.Rescaling(1.0),
        L.Reshape((5, 4, 1)),
        L.Conv2D(3, 2),
        L.Flatten(),
        L.Dense(3, "softmax"),
    ],
}


def _keras_model(layers: list[Any]) -> Any:
    model = keras.Sequential(layers)
    rng = np.random.default_rng(0)
    model.set_weights(
        [rng.uniform(0.05, 0.5, weight.shape) - 0.2 * (weight.ndim > 1) for weight in model.weights]
    )
    return model


def _draw_images(model: Model) -> NDArray[np.uint8]:
    """Draw nine images on which softmax is not saturated.

    Raw pixels are below 5: with pixels up to 255 the logits reach 386, where neighbouring float32 numbers differ by
    3e-5. Rounding on one instruction set or another then changes probabilities by more than the tolerance of 1e-5.
    """
    high = 256 if model.pixels == "unit" else 5
    return np.random.default_rng(1).integers(0, high, (9, *model.input_shape)).astype(np.uint8)


def _saved(folder: Path, layers: list[Any], suffix: str = ".keras") -> tuple[Path, Any]:
    model = _keras_model(layers)
    path = folder / f"model{suffix}"
    model.save(path)
    return path, model


@pytest.mark.filterwarnings("ignore:.*HDF5 file via `model.save")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", MODELS)
def test_predictions_equal_keras(tmp_path: Path, name: str, suffix: str) -> None:
    """A model with any layer, in either file format, has the probabilities of Keras."""
    path, model = _saved(tmp_path, MODELS[name](), suffix)
    imported = from_keras(path)
    images = _draw_images(imported)
    expected = model(images.reshape(9, *model.input_shape[1:]).astype(np.float32), training=False)
    np.testing.assert_allclose(imported.predict_proba(images), np.asarray(expected), atol=1e-5)
    assert imported.class_names == ("0", "1", "2")
    assert imported.pixels == ("unit" if name == "Conv2D" else "raw")


def _as_keras_2(model: Any, path: Path) -> None:
    """Write a model of Conv2D, BatchNormalization, Flatten and Dense layers like Keras 2: without an InputLayer."""
    groups: dict[str, dict[str, Any]] = {}
    entries: list[dict[str, Any]] = []
    for layer in model.layers:
        config = {**layer.get_config(), "dtype": "float32"}
        if not entries:
            config["batch_input_shape"] = [None, *model.input_shape[1:]]
        if "axis" in config:
            config["axis"] = [3]
        entries.append({"class_name": type(layer).__name__, "config": config})
        groups[layer.name] = {
            f"{layer.name}/{weight.name}:0": np.asarray(weight.value) for weight in layer.weights
        }
    with h5py.File(path, "w") as file:
        description = {"class_name": "Sequential", "config": {"name": "sequential", "layers": entries}}
        file.attrs["model_config"] = json.dumps(description).encode()
        for group, weights in groups.items():
            for name, values in weights.items():
                file[f"model_weights/{group}/{name}"] = values


def test_files_of_keras_2(tmp_path: Path) -> None:
    """An .h5 file in the layout of Keras 2 (shapes, axes and names of weights) has Keras's predictions."""
    layers = [
        keras.Input((6, 5, 2)),
        L.Conv2D(3, (2, 3), activation="relu"),
        L.BatchNormalization(),
        L.Flatten(),
        L.Dense(3, "softmax"),
    ]
    model = _keras_model(layers)
    _as_keras_2(model, tmp_path / "old.h5")
    imported = from_keras(tmp_path / "old.h5")
    images = _draw_images(imported)
    expected = model(images.astype(np.float32), training=False)
    np.testing.assert_allclose(imported.predict_proba(images), np.asarray(expected), atol=1e-5)


@pytest.mark.parametrize("net", ["Conv2D same", "BatchNormalization inside"])
def test_export_can_be_imported(tmp_path: Path, net: str) -> None:
    """An imported export has the same layers and bit-identical weights."""
    model = untrained(NETS[net][:-1], SHAPE)
    imported = from_keras(export(model, "keras", tmp_path / "net.keras"), class_names=model.class_names)
    assert [layer.type for layer in imported.layers] == [layer.type for layer in model.layers]
    assert (imported.input_shape, imported.class_names, imported.pixels) == (
        model.input_shape,
        model.class_names,
        model.pixels,
    )
    assert imported.weights.keys() == model.weights.keys()
    for name, values in model.weights.items():
        np.testing.assert_array_equal(imported.weights[name], values)


def test_imported_model_can_be_saved(tmp_path: Path) -> None:
    """An imported model is saved and loaded like any other and records its origin."""
    path, _ = _saved(tmp_path, MODELS["Conv2D"]())
    model = from_keras(path, class_names=["a", "b", "c"])
    model.save(tmp_path / "model.safetensors")
    loaded = Model.load(tmp_path / "model.safetensors")
    assert loaded.class_names == ("a", "b", "c")
    assert loaded.provenance.to_json() == {"imported_from": "model.keras"}
    image = np.full((1, 7, 6, 2), 200, np.uint8)
    np.testing.assert_array_equal(loaded.predict_proba(image), model.predict_proba(image))


def test_logits_get_softmax(tmp_path: Path) -> None:
    """A model that ends in logits is imported with softmax."""
    path, model = _saved(tmp_path, [keras.Input((5, 4, 1)), L.Flatten(), L.Dense(3)])
    images = np.random.default_rng(1).integers(0, 256, (9, 5, 4, 1)).astype(np.uint8)
    np.testing.assert_allclose(from_keras(path).logits(images), np.asarray(model(images)), rtol=1e-4)


def test_flat_rows_require_a_shape(tmp_path: Path) -> None:
    """A model of flat rows is imported if the images' shape is passed, with the pixel range that is passed."""
    path, model = _saved(tmp_path, [keras.Input((20,)), L.Dense(6, "relu"), L.Dense(3, "softmax")])
    with pytest.raises(ModelError, match=r"from_keras\(path, input_shape="):
        from_keras(path)
    with pytest.raises(ModelError, match=r"expected \(height, width, channels\)"):
        from_keras(path, input_shape=(5, 5, 1))
    imported = from_keras(path, input_shape=(5, 4, 1), pixels="unit")
    images = np.random.default_rng(1).integers(0, 256, (9, 5, 4, 1)).astype(np.uint8)
    expected = model(images.reshape(9, 20).astype(np.float32) / 255)
    np.testing.assert_allclose(imported.predict_proba(images), np.asarray(expected), atol=1e-5)


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    """One message lists every unsupported layer and setting, and what is supported."""
    layers = [
        keras.Input((9, 9, 1)),
        L.Rescaling(1 / 127.5, offset=-1),
        L.Conv2D(3, 2, strides=2),
        L.Conv2D(3, 2, activation="gelu", name="second"),
        L.BatchNormalization(axis=1),
        L.AveragePooling2D(2),
        L.Flatten(),
        L.ReLU(max_value=6),
        L.Dense(1, "sigmoid"),
    ]
    path, _ = _saved(tmp_path, layers)
    with pytest.raises(ModelError) as caught:
        from_keras(path, class_names=["a"])
    for text in (
        "(Rescaling 'rescaling",
        "and offset -1, expected 1/255 and 0",
        "has strides = [2, 2], expected [1, 1]",
        "(Conv2D 'second') has activation = 'gelu', expected one of linear, relu",
        "has axis = 1, expected -1",
        "(AveragePooling2D 'average_pooling2d",
        "is not one of InputLayer, Rescaling",
        "has max_value = 6",
        "Dense(units=1, activation='sigmoid'",
        "Supported are Sequential models of",
    ):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"class_names": ["a", "b"]}, "3 units in its last layer, but 2 class names"),
        ({"pixels": "raw"}, "pixels='raw' contradicts its Rescaling layer, which means 'unit'"),
        ({"input_shape": (6, 7, 2)}, "its input has the shape (7, 6, 2)"),
    ],
)
def test_contradicting_arguments_are_errors(tmp_path: Path, arguments: dict[str, Any], text: str) -> None:
    """Class names, pixels and shape must match the model."""
    path, _ = _saved(tmp_path, MODELS["Conv2D"]())
    with pytest.raises(ModelError) as caught:
        from_keras(path, **arguments)
    assert text in str(caught.value)


def test_functional_model_is_an_error(tmp_path: Path) -> None:
    """A model with branches is an error that names its class."""
    inputs = keras.Input((5, 4, 1))
    flat = L.Flatten()(inputs)
    model = keras.Model(inputs, L.Dense(3, "softmax")(L.Concatenate()([flat, flat])))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match="'Functional', expected 'Sequential'"):
        from_keras(tmp_path / "model.keras")


def test_lambda_layer_is_an_error_and_not_run(tmp_path: Path) -> None:
    """A Lambda layer is an error that names it; its code is not read."""
    path, _ = _saved(
        tmp_path,
        [keras.Input((5, 4, 1)), L.Lambda(lambda x: x * 2, name="evil"), L.Flatten(), L.Dense(3, "softmax")],
    )
    with pytest.raises(ModelError, match=r"layer 1 \(Lambda 'evil'\) is not one of"):
        from_keras(path)


def _rewritten(path: Path, change: Callable[[Any], Any]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(change(json.loads(members["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _setting(layer: int, key: str, value: object) -> Callable[[Any], Any]:
    def change(config: Any) -> Any:
        config["config"]["layers"][layer]["config"][key] = value
        return config

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda _: [], "of the class None"),
        (lambda _: {"class_name": "Sequential", "config": {"layers": 7}}, "expected 'Sequential'"),
        (lambda _: {"class_name": "Sequential", "config": [1, None]}, "layer 1 (None None) is not one of"),
        (_setting(0, "batch_shape", [None, None, 6, 2]), "has no fixed shape"),
        (_setting(0, "batch_shape", [None, 70_000, 6, 2]), "at most 4096 pixels per side"),
        (_setting(0, "batch_shape", [None, 4000, 4000, 2]), "Cannot import"),
        (_setting(2, "filters", 10**12), "less than or equal to 1000000"),
        (
            _setting(2, "filters", 5),
            "is float32 of shape (2, 3, 2, 4), expected float32 of shape (2, 3, 2, 5)",
        ),
        (_setting(2, "dtype", "mixed_float16"), "computes in {'name': 'mixed_float16'}, expected float32"),
        (_setting(2, "new_in_keras_9", "twice"), "has new_in_keras_9 = 'twice', expected it to be off"),
        (_setting(2, "activation", {"class_name": "Evil"}), "has activation = {'class_name': 'Evil'}"),
        (
            lambda _: {
                "class_name": "Sequential",
                "config": [{"class_name": "\x1b", "config": {"name": "\x1b[2J"}}],
            },
            r"layer 0 (\x1b '\x1b[2J')",
        ),
        (_setting(1, "scale", float("nan")), "has scale nan"),
        (_setting(2, "kernel_size", [[[]]]), "layer 2 (Conv2D)"),
    ],
)
def test_changed_descriptions_are_errors(tmp_path: Path, change: Callable[[Any], Any], text: str) -> None:
    """A description of the wrong type, size or shape is an error without control characters."""
    path, _ = _saved(tmp_path, MODELS["Conv2D"]())
    _rewritten(path, change)
    with pytest.raises(ModelError) as caught:
        from_keras(path)
    assert text in str(caught.value)
    assert str(caught.value).isprintable()
