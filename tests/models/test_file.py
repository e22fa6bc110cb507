"""The model file: what is in it, and that no file can do more than be refused."""

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
from tests.models.samples import CLASSES, doubting_model, small_model, whole_model

OLD = Path(__file__).with_name("format-1.safetensors")
SECOND = Path(__file__).with_name("format-2.safetensors")

Metadata = dict[str, Any]


def _metadata(path: Path) -> Metadata:
    with safe_open(path, framework="numpy") as opened:
        return dict(json.loads(opened.metadata()["optotype"]))


def _rewrite(path: Path, metadata: object, weights: Mapping[str, NDArray[Any]]) -> None:
    save_file(
        dict(weights), path, {"optotype": metadata if isinstance(metadata, str) else json.dumps(metadata)}
    )


def test_round_trip(tmp_path: Path) -> None:
    """A model comes back from its file with the same weights, bit for bit, and everything that was known of it."""
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
    assert (loaded.class_names, loaded.pixels, loaded.provenance) == (CLASSES, "raw", {"note": "test"})
    assert loaded.weights.keys() == model.weights.keys()
    for name, weight in model.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], weight)


def test_doubts_survive(tmp_path: Path) -> None:
    """Calibration and familiarity come back bit for bit, and the model answers as before."""
    model = doubting_model()
    model.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m")
    assert model.calibration is not None
    assert model.novelty is not None
    assert loaded.calibration is not None
    assert loaded.familiarity is not None
    assert loaded.calibration.temperature == model.calibration.temperature
    np.testing.assert_array_equal(loaded.calibration.scores, model.calibration.scores)
    for name, array in model.novelty.tensors().items():
        np.testing.assert_array_equal(loaded.familiarity.tensors()[name], array)
    for name in ("scales", "threshold", "rejected"):
        assert getattr(loaded.familiarity, name) == getattr(model.novelty, name)
    images = np.random.default_rng(0).integers(0, 256, (9, *model.input_shape), np.uint8)
    for now, before in zip(
        loaded.logits_and_distances(images), model.logits_and_distances(images), strict=True
    ):
        assert now is not None
        assert before is not None
        np.testing.assert_array_equal(now, before)


def test_a_file_of_the_first_format(tmp_path: Path) -> None:
    """A file that optotype wrote before there were doubts loads: the same weights, and no doubts."""
    assert _metadata(OLD)["format"] == 1
    old, now = Model.load(OLD), small_model(3)
    assert (old.calibration, old.familiarity) == (None, None)
    for name, weight in now.weights.items():
        np.testing.assert_array_equal(old.weights[name], weight)
    metadata = _metadata(OLD) | {"calibration": {"temperature": 1.0, "n": 60}}
    _rewrite(tmp_path / "m", metadata, {**now.weights, "calibration.scores": np.linspace(0, 1, 60)})
    with pytest.raises(ModelError, match="has format 1 but more than that format knows"):
        Model.load(tmp_path / "m")


def test_a_file_of_the_second_format() -> None:
    """A file that was kept when format 2 was new loads: weights and doubts, and the golden images are as they were."""
    assert _metadata(SECOND)["format"] == 2
    old, now = Model.load(SECOND), whole_model()
    assert old.weights.keys() == now.weights.keys()
    assert old.calibration is not None
    assert old.calibration.n == 60
    assert old.familiarity is not None
    assert old.golden is not None
    assert now.golden is not None
    np.testing.assert_array_equal(old.golden.images, now.golden.images)
    np.testing.assert_allclose(old.golden.logits, now.golden.logits, rtol=1e-4, atol=1e-5)
    assert [each.label for each in old.predict(now.golden.images)] == [
        each.label for each in now.predict(now.golden.images)
    ]


def test_same_model_same_bytes(tmp_path: Path) -> None:
    """Saving is deterministic, and leaves nothing beside the file."""
    for name in ("a", "b"):
        small_model().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_provenance_may_name_any_file(tmp_path: Path) -> None:
    """The name of a folder that is not UTF-8 survives in the provenance."""
    small_model(note="caf\udce9").save(tmp_path / "m")
    assert Model.load(tmp_path / "m").provenance == {"note": "caf\udce9"}


def test_metadata_is_plain(tmp_path: Path) -> None:
    """The metadata is one JSON text that any program can read."""
    small_model().save(tmp_path / "m")
    metadata = _metadata(tmp_path / "m")
    assert metadata["format"] == 2
    assert metadata["layers"][-1] == {
        "units": 3,
        "activation": "softmax",
        "kernel_initializer": "glorot_uniform",
        "type": "Dense",
    }
    assert metadata["class_names"] == list(CLASSES)


def test_cannot_be_written(tmp_path: Path) -> None:
    """A file that cannot be written is a ModelError that names it."""
    with pytest.raises(ModelError, match="Cannot write the model file"):
        small_model().save(tmp_path / "no such folder" / "m")


def test_control_characters_are_not_saved(tmp_path: Path) -> None:
    """A class name that could move a terminal's cursor is refused when the model is saved."""
    model = small_model()
    with pytest.raises(ModelError, match="Cannot save the model"):
        Model(model.recipe, model.input_shape, ("a", "b", "\x1b[2J"), model.weights).save(tmp_path / "m")


def test_a_file_from_before_there_was_a_precision(tmp_path: Path) -> None:
    """An old model file, whose recipe names no precision, loads as one that was trained in fp32."""
    model = small_model()
    model.save(tmp_path / "model")
    metadata = _metadata(tmp_path / "model")
    del metadata["recipe"]["precision"]
    _rewrite(tmp_path / "model", metadata, model.weights)
    assert Model.load(tmp_path / "model").recipe == model.recipe.override({"precision": "fp32"})


def _set(key: str, value: object) -> Callable[[Metadata], object]:
    return lambda metadata: {**metadata, key: value}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            _set("format", 3),
            "has format 3, expected at most 2: it was made by a newer optotype. Upgrade optotype.",
        ),
        (_set("format", 0), "has metadata in which format is wrong"),
        (_set("format", None), "has metadata in which format is wrong"),
        (_set("surprise", 1), "has metadata in which surprise is wrong"),
        (_set("layers", []), "in which layers is wrong"),
        (_set("layers", [{"type": "Lambda"}]), "in which layers.0 is wrong"),
        (_set("layers", [{"type": "Flatten"}]), "has 3 class names but its last layer is Flatten"),
        (_set("input_shape", [4, 3]), "in which input_shape.2 is wrong"),
        (_set("input_shape", [4, 3, 10**9]), "in which input_shape.2 is wrong"),
        (_set("input_shape", [4, 3, 2]), "has the tensor '1.beta' as ('F32', [12]) instead of ('F32', [24])"),
        (_set("pixels", "raw"), "has layers or pixels that are not those of its recipe"),
        (_set("class_names", ["a", "b"]), "has 2 class names but its last layer is Dense(units=3"),
        (_set("class_names", ["a", "b", "\x1b[2J"]), "in which class_names.2 is wrong"),
        (
            _set("recipe", {"layers": [], "epoch": 3}),
            "has metadata with a recipe that is none (Unknown recipe key",
        ),
        (_set("recipe", {"layers": []}), "has layers or pixels that are not those of its recipe"),
        (_set("provenance", []), "in which provenance is wrong"),
        (lambda _: [], "has metadata in which all is wrong"),
        (lambda _: "{", "has metadata that is not JSON"),
        (lambda _: "[" * 100_000, "has metadata that is not JSON"),
    ],
)
def test_wrong_metadata(tmp_path: Path, change: Callable[[Metadata], object], sentence: str) -> None:
    """Metadata that is newer, malformed or in contradiction with itself is refused, naming the file."""
    path = tmp_path / "m"
    small_model().save(path)
    _rewrite(path, change(_metadata(path)), small_model().weights)
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("part", "key", "value", "sentence"),
    [
        ("calibration", "temperature", 0.0, "The temperature is 0.0, expected 0.05 to 20.0"),
        ("calibration", "temperature", float("nan"), "The temperature is nan"),
        ("calibration", "temperature", "warm", "in which calibration.temperature is wrong"),
        (
            "calibration",
            "n",
            59,
            "has the tensor 'calibration.scores' as ('F64', [60]) instead of ('F64', [59])",
        ),
        ("calibration", "n", 10**9, "in which calibration.n is wrong"),
        ("calibration", "more", 1, "in which calibration.more is wrong"),
        ("familiarity", "threshold", -1.0, "holds a number that is not finite or out of range"),
        ("familiarity", "threshold", float("inf"), "holds a number that is not finite or out of range"),
        ("familiarity", "scales", [1.0], "in which familiarity.scales.1 is wrong"),
        ("familiarity", "scales", [1.0, 0.0], "holds a number that is not finite or out of range"),
        ("familiarity", "rejected", 2.0, "holds a number that is not finite or out of range"),
        ("familiarity", "rank", 0, "in which familiarity.rank is wrong"),
        ("familiarity", "rank", 4, "has the tensor 'familiarity.directions' as"),
        ("familiarity", "classes", 2, "has the tensor 'familiarity.appearance.means' as"),
    ],
)
def test_wrong_doubts(tmp_path: Path, part: str, key: str, value: object, sentence: str) -> None:
    """Numbers that are no calibration and no familiarity, or ask for other arrays, are refused, naming the file."""
    path = tmp_path / "m"
    doubting_model().save(path)
    metadata = _metadata(path)
    _rewrite(path, metadata | {part: metadata[part] | {key: value}}, _arrays(path))
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", [0, 33, -1, 2.5, True, "32"])
def test_a_wrong_number_of_golden_images(tmp_path: Path, value: object) -> None:
    """More golden images than 32, none, or what is no number are refused before an array is looked at."""
    path = tmp_path / "m"
    whole_model().save(path)
    _rewrite(path, _metadata(path) | {"golden": value}, _arrays(path))
    with pytest.raises(ModelError, match=r"m has metadata in which golden is wrong"):
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
def test_golden_images_of_another_kind(tmp_path: Path, name: str, array: NDArray[Any] | None) -> None:
    """Golden images or logits of another type, shape or number than the header's, or missing ones, are refused."""
    path = tmp_path / "m"
    whole_model().save(path)
    arrays = {key: held for key, held in _arrays(path).items() if key != name}
    _rewrite(path, _metadata(path), arrays if array is None else {**arrays, name: array})
    with pytest.raises(ModelError, match=f"has the tensor '{name}' as"):
        Model.load(path)


@pytest.mark.parametrize(
    "name", ["calibration.scores", "familiarity.center", "familiarity.features.whitening"]
)
def test_arrays_of_doubts(tmp_path: Path, name: str) -> None:
    """An array of the doubts that is missing, not asked for or not finite is refused."""
    path = tmp_path / "m"
    doubting_model().save(path)
    metadata, arrays = _metadata(path), _arrays(path)
    broken = {**arrays, name: arrays[name] * np.array(np.nan, arrays[name].dtype)}
    missing = {key: array for key, array in arrays.items() if key != name}
    plain = metadata | {"calibration": None, "familiarity": None}
    for changed, held in ((metadata, broken), (metadata, missing), (plain, arrays)):
        _rewrite(path, changed, held)
        with pytest.raises(ModelError, match="rain the model again"):
            Model.load(path)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with safe_open(path, framework="numpy") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping


def _without(name: str) -> Callable[[dict[str, NDArray[Any]]], object]:
    return lambda weights: weights.pop(name)


@pytest.mark.parametrize(
    ("change", "sentence"),
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
            "'2.bias' holds a value that",
        ),
    ],
)
def test_wrong_tensors(
    tmp_path: Path, change: Callable[[dict[str, NDArray[Any]]], object], sentence: str
) -> None:
    """A tensor that is missing, too much, of another type or shape, or not finite is refused, naming the file."""
    path = tmp_path / "m"
    small_model().save(path)
    metadata, weights = _metadata(path), dict(small_model().weights)
    change(weights)
    _rewrite(path, metadata, weights)
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no safetensors file"),
        (b"1234567", "is no safetensors file"),
        (b"\xff" * 8 + b"{}", "has a header of 18,446,744,073,709,551,615 bytes"),
        ((10_000_001).to_bytes(8, "little") + b"{}", "has a header of 10,000,001 bytes"),
        ((9_999_999).to_bytes(8, "little") + b"{}", "is no safetensors file ("),
        ((2).to_bytes(8, "little") + b"{}", "is a safetensors file without optotype's metadata"),
        ((2).to_bytes(8, "little") + b"\xff\xff", "is no safetensors file ("),
        (b"\x80\x04\x95" + b"pickle" * 9, "has a header of"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A file that is no model is refused, naming it, before memory is reserved for what it claims to hold."""
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        Model.load(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible path are ModelErrors."""
    for path in (tmp_path / "missing", tmp_path, Path("nul\0"), tmp_path / ("x" * 300)):
        with pytest.raises(ModelError):
            Model.load(path)
