"""The model file: its content, old formats, and the refusal of damaged and hostile files."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from optotype.errors import ModelError
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from tests.models.samples import CLASSES, calibrated_model, complete_model, small_model

FORMAT_1 = Path(__file__).with_name("format-1.safetensors")
FORMAT_2 = Path(__file__).with_name("format-2.safetensors")

Metadata = dict[str, Any]


def _metadata(path: Path) -> Metadata:
    with safe_open(path, framework="numpy") as opened:
        return dict(json.loads(opened.metadata()["optotype"]))


def _rewrite(path: Path, metadata: object, weights: Mapping[str, NDArray[Any]]) -> None:
    save_file(
        dict(weights), path, {"optotype": metadata if isinstance(metadata, str) else json.dumps(metadata)}
    )


def test_round_trip(tmp_path: Path) -> None:
    """A loaded model has the same weights, bit for bit, and the same recipe, classes and provenance."""
    recipe = Recipe(
        name="all layers",
        pixels="raw",
        layers=(
            Conv2D(2, (3, 2), "relu"),
            BatchNormalization(),
            MaxPooling2D((2, 1)),
            Dropout(0.5),
            Flatten(),
            Dense(4),
        ),
    )
    model = small_model(3, recipe, (9, 8, 3))
    model.save(tmp_path / "m.safetensors")
    loaded = Model.load(tmp_path / "m.safetensors")
    assert (loaded.recipe, loaded.layers, loaded.input_shape) == (recipe, model.layers, (9, 8, 3))
    assert (loaded.class_names, loaded.pixels, loaded.provenance) == (CLASSES, "raw", model.provenance)
    assert loaded.weights.keys() == model.weights.keys()
    for name, weight in model.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], weight)


def test_uncertainty_round_trip(tmp_path: Path) -> None:
    """A loaded calibration and novelty detector are the same bit for bit, and give the same results."""
    model = calibrated_model()
    model.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m")
    assert model.calibration is not None
    assert model.novelty is not None
    assert loaded.calibration is not None
    assert loaded.novelty is not None
    assert loaded.calibration.temperature == model.calibration.temperature
    np.testing.assert_array_equal(loaded.calibration.scores, model.calibration.scores)
    for name, array in model.novelty.tensors().items():
        np.testing.assert_array_equal(loaded.novelty.tensors()[name], array)
    for name in ("scales", "threshold", "rate"):
        assert getattr(loaded.novelty, name) == getattr(model.novelty, name)
    images = np.random.default_rng(0).integers(0, 256, (9, *model.input_shape), np.uint8)
    results = zip(loaded.logits_and_distances(images), model.logits_and_distances(images), strict=True)
    for loaded_array, expected in results:
        assert loaded_array is not None
        assert expected is not None
        np.testing.assert_array_equal(loaded_array, expected)


def test_format_1(tmp_path: Path) -> None:
    """A file of format 1 loads with its weights and without uncertainty; parts of newer formats are refused in it."""
    assert _metadata(FORMAT_1)["format"] == 1
    old, now = Model.load(FORMAT_1), small_model(3)
    assert (old.calibration, old.novelty) == (None, None)
    for name, weight in now.weights.items():
        np.testing.assert_array_equal(old.weights[name], weight)
    metadata = _metadata(FORMAT_1) | {"calibration": {"temperature": 1.0, "n": 60}}
    _rewrite(tmp_path / "m", metadata, {**now.weights, "calibration.scores": np.linspace(0, 1, 60)})
    with pytest.raises(ModelError, match="has format 1 but"):
        Model.load(tmp_path / "m")


def test_format_2() -> None:
    """A file that was written when format 2 was new loads with weights, uncertainty and golden images."""
    assert _metadata(FORMAT_2)["format"] == 2
    old, now = Model.load(FORMAT_2), complete_model()
    assert old.weights.keys() == now.weights.keys()
    assert old.calibration is not None
    assert old.calibration.n == 60
    assert old.novelty is not None
    assert old.novelty.threshold == 1.4404840469360352
    assert old.novelty.scales == (15.20720386505127, 9.383819580078125)
    assert old.golden is not None
    assert now.golden is not None
    np.testing.assert_array_equal(old.golden.images, now.golden.images)
    np.testing.assert_allclose(old.golden.logits, now.golden.logits, rtol=1e-4, atol=1e-5)
    assert [prediction.label for prediction in old.predict(now.golden.images)] == [
        prediction.label for prediction in now.predict(now.golden.images)
    ]


def test_saving_is_deterministic(tmp_path: Path) -> None:
    """Two files of one model are equal byte for byte, and saving leaves no other file."""
    for name in ("a", "b"):
        small_model().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_provenance_with_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    """A provenance with a file name that is not UTF-8 is saved and loaded."""
    model = small_model(note="caf\udce9")
    model.save(tmp_path / "m")
    assert Model.load(tmp_path / "m").provenance == model.provenance


def test_metadata_is_json(tmp_path: Path) -> None:
    """The metadata is one JSON text of format 3."""
    small_model().save(tmp_path / "m")
    metadata = _metadata(tmp_path / "m")
    assert metadata["format"] == 3
    assert metadata["layers"][-1] == {
        "units": 3,
        "activation": "softmax",
        "kernel_initializer": "glorot_uniform",
        "type": "Dense",
    }
    assert metadata["class_names"] == list(CLASSES)


def test_unwritable_path(tmp_path: Path) -> None:
    """Saving to a path that cannot be written raises a ModelError."""
    with pytest.raises(ModelError, match="Cannot write the model file"):
        small_model().save(tmp_path / "no such folder" / "m")


def test_control_characters_in_class_names(tmp_path: Path) -> None:
    """Saving a class name with a control character raises a ModelError."""
    model = small_model()
    with pytest.raises(ModelError, match="Cannot save the model"):
        Model(model.recipe, model.input_shape, ("a", "b", "\x1b[2J"), model.weights).save(tmp_path / "m")


def test_recipe_without_precision(tmp_path: Path) -> None:
    """An old model file whose recipe has no precision loads as a model that was trained in fp32."""
    model = small_model()
    model.save(tmp_path / "model")
    metadata = _metadata(tmp_path / "model")
    del metadata["recipe"]["precision"]
    _rewrite(tmp_path / "model", metadata, model.weights)
    assert Model.load(tmp_path / "model").recipe == model.recipe.override({"precision": "fp32"})


def _set(key: str, value: object) -> Callable[[Metadata], object]:
    return lambda metadata: {**metadata, key: value}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("format", 4), "has format 4, expected at most 3"),
        (_set("format", 0), "wrong metadata for format"),
        (_set("format", None), "wrong metadata for format"),
        (_set("surprise", 1), "wrong metadata for surprise"),
        (_set("familiarity", None), "wrong metadata for familiarity"),
        (_set("layers", []), "wrong metadata for layers"),
        (_set("layers", [{"type": "Lambda"}]), "wrong metadata for layers.0"),
        (_set("layers", [{"type": "Flatten"}]), "has 3 class names but its last layer is Flatten"),
        (_set("input_shape", [4, 3]), "wrong metadata for input_shape.2"),
        (_set("input_shape", [4, 3, 10**9]), "wrong metadata for input_shape.2"),
        (_set("input_shape", [4, 3, 2]), "has the tensor '1.beta' as ('F32', [12]) instead of ('F32', [24])"),
        (_set("pixels", "raw"), "has other layers or pixels than its recipe"),
        (_set("class_names", ["a", "b"]), "has 2 class names but its last layer is Dense(units=3"),
        (_set("class_names", ["a", "b", "\x1b[2J"]), "wrong metadata for class_names.2"),
        (_set("recipe", {"layers": [], "epoch": 3}), "invalid recipe (Unknown recipe key"),
        (_set("recipe", {"layers": []}), "has other layers or pixels than its recipe"),
        (_set("provenance", []), "wrong metadata for provenance"),
        (_set("provenance", {"epoch": "2"}), "wrong metadata for provenance.epoch"),
        (_set("provenance", {"data": {"name": "digits"}}), "wrong metadata for provenance.data.source"),
        (_set("provenance", {"environment": []}), "wrong metadata for provenance.environment"),
        (_set("provenance", {"transfer": {"freeze": 1}}), "wrong metadata for provenance.transfer"),
        (lambda _: [], "wrong metadata for the whole"),
        (lambda _: "{", "has metadata that is not JSON"),
        (lambda _: "[" * 100_000, "has metadata that is not JSON"),
    ],
)
def test_wrong_metadata(tmp_path: Path, change: Callable[[Metadata], object], message: str) -> None:
    """Metadata that is newer, malformed or inconsistent raises a ModelError that names the file."""
    path = tmp_path / "m"
    small_model().save(path)
    _rewrite(path, change(_metadata(path)), small_model().weights)
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("calibration", "temperature", 0.0, "The temperature is 0.0, expected 0.05 to 20.0"),
        ("calibration", "temperature", float("nan"), "The temperature is nan"),
        ("calibration", "temperature", "warm", "wrong metadata for calibration.temperature"),
        (
            "calibration",
            "n",
            59,
            "has the tensor 'calibration.scores' as ('F64', [60]) instead of ('F64', [59])",
        ),
        ("calibration", "n", 10**9, "wrong metadata for calibration.n"),
        ("calibration", "more", 1, "wrong metadata for calibration.more"),
        ("novelty", "threshold", -1.0, "not finite or out of range"),
        ("novelty", "threshold", float("inf"), "not finite or out of range"),
        ("novelty", "scales", [1.0], "wrong metadata for novelty.scales.1"),
        ("novelty", "scales", [1.0, 0.0], "not finite or out of range"),
        ("novelty", "rate", 2.0, "not finite or out of range"),
        ("novelty", "rank", 0, "wrong metadata for novelty.rank"),
        ("novelty", "rank", 4, "has the tensor 'novelty.directions' as"),
        ("novelty", "classes", 2, "has the tensor 'novelty.appearance.means' as"),
    ],
)
def test_wrong_uncertainty(tmp_path: Path, part: str, key: str, value: object, message: str) -> None:
    """Invalid numbers or sizes of a calibration or novelty detector raise a ModelError that names the file."""
    path = tmp_path / "m"
    calibrated_model().save(path)
    metadata = _metadata(path)
    _rewrite(path, metadata | {part: metadata[part] | {key: value}}, _arrays(path))
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", [0, 33, -1, 2.5, True, "32"])
def test_wrong_number_of_golden_images(tmp_path: Path, value: object) -> None:
    """A number of golden images outside 1 to 32, or of another type, is refused before arrays are read."""
    path = tmp_path / "m"
    complete_model().save(path)
    _rewrite(path, _metadata(path) | {"golden": value}, _arrays(path))
    with pytest.raises(ModelError, match="wrong metadata for golden"):
        Model.load(path)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("golden.images", np.zeros((31, 4, 3, 1), np.uint8)),
        ("golden.images", np.zeros((32, 4, 3, 1), np.float32)),
        ("golden.images", np.zeros((32, 3, 4, 1), np.uint8)),
        ("golden.logits", np.zeros((32, 4), np.float32)),
        ("golden.logits", np.zeros((32, 3))),
        ("golden.logits", None),
    ],
)
def test_wrong_arrays_of_golden_images(tmp_path: Path, name: str, array: NDArray[Any] | None) -> None:
    """Golden images or logits that are missing, or of another dtype, shape or number than the header's, are refused."""
    path = tmp_path / "m"
    complete_model().save(path)
    arrays = {key: value for key, value in _arrays(path).items() if key != name}
    _rewrite(path, _metadata(path), arrays if array is None else {**arrays, name: array})
    with pytest.raises(ModelError, match=f"has the tensor '{name}' as"):
        Model.load(path)


@pytest.mark.parametrize("name", ["calibration.scores", "novelty.center", "novelty.features.whitening"])
def test_wrong_arrays_of_uncertainty(tmp_path: Path, name: str) -> None:
    """An array of the calibration or novelty detector that is missing, unexpected or not finite is refused."""
    path = tmp_path / "m"
    calibrated_model().save(path)
    metadata, arrays = _metadata(path), _arrays(path)
    broken = {**arrays, name: arrays[name] * np.array(np.nan, arrays[name].dtype)}
    missing = {key: array for key, array in arrays.items() if key != name}
    without_parts = metadata | {"calibration": None, "novelty": None}
    for changed, stored in ((metadata, broken), (metadata, missing), (without_parts, arrays)):
        _rewrite(path, changed, stored)
        with pytest.raises(ModelError, match="rain the model again"):
            Model.load(path)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with safe_open(path, framework="numpy") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping


def _without(name: str) -> Callable[[dict[str, NDArray[Any]]], object]:
    return lambda weights: weights.pop(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("2.bias"), "has the tensor '2.bias' as None instead of ('F32', [5])"),
        (
            lambda weights: weights.update(extra=np.zeros(1)),
            "has the tensor 'extra' as ('F64', [1]) instead of None",
        ),
        (lambda weights: weights.update({"2.bias": np.zeros(5)}), "as ('F64', [5]) instead of ('F32', [5])"),
        (
            lambda weights: weights.update({"2.bias": np.zeros((5, 1), np.float32)}),
            "as ('F32', [5, 1]) instead of",
        ),
        (
            lambda weights: weights.update({"2.bias": np.full(5, np.nan, np.float32)}),
            "'2.bias' has a value that",
        ),
    ],
)
def test_wrong_tensors(
    tmp_path: Path, change: Callable[[dict[str, NDArray[Any]]], object], message: str
) -> None:
    """A tensor that is missing, unexpected, of another dtype or shape, or not finite raises a ModelError."""
    path = tmp_path / "m"
    small_model().save(path)
    metadata, weights = _metadata(path), dict(small_model().weights)
    change(weights)
    _rewrite(path, metadata, weights)
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a safetensors file"),
        (b"1234567", "is not a safetensors file"),
        (b"\xff" * 8 + b"{}", "has a header of 18,446,744,073,709,551,615 bytes"),
        ((10_000_001).to_bytes(8, "little") + b"{}", "has a header of 10,000,001 bytes"),
        ((9_999_999).to_bytes(8, "little") + b"{}", "is not a safetensors file ("),
        ((2).to_bytes(8, "little") + b"{}", "is a safetensors file without optotype's metadata"),
        ((2).to_bytes(8, "little") + b"\xff\xff", "is not a safetensors file ("),
        (b"\x80\x04\x95" + b"pickle" * 9, "has a header of"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is not a model raises a ModelError before memory is allocated for the size in its header."""
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    """A missing file, a folder and an invalid path raise a ModelError."""
    for path in (tmp_path / "missing", tmp_path, Path("nul\0"), tmp_path / ("x" * 300)):
        with pytest.raises(ModelError):
            Model.load(path)
