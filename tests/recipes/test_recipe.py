"""Recipes: valid and invalid settings, error messages, and JSON."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.engine.augmentation import Augment
from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from optotype.engine.optimizers import SGD, Adam, RMSprop
from optotype.engine.schedules import Constant, OneCycle
from optotype.errors import RecipeError
from optotype.recipes.recipe import EarlyStopping, Head, Recipe

_RATES = st.floats(1e-9, 1e3)
_LAYERS = st.one_of(
    st.builds(Dense, st.integers(1, 999), st.sampled_from(["linear", "relu", "tanh", "sigmoid"])),
    st.builds(
        Conv2D, st.integers(1, 99), st.integers(1, 128) | st.tuples(st.integers(1, 9), st.integers(1, 9))
    ),
    st.builds(MaxPooling2D, st.integers(1, 128)),
    st.builds(Flatten),
    st.builds(Dropout, st.floats(0, 1, exclude_max=True)),
    st.builds(BatchNormalization, st.floats(0, 1, exclude_max=True), _RATES),
)
_RECIPES = st.builds(
    Recipe,
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200),
    pixels=st.sampled_from(["unit", "raw"]),
    layers=st.lists(_LAYERS, max_size=5),
    head=st.builds(Head, st.sampled_from(["glorot_uniform", "random_normal"])),
    optimizer=st.one_of(st.builds(SGD, _RATES), st.builds(RMSprop, _RATES), st.builds(Adam, _RATES)),
    schedule=st.one_of(st.builds(Constant), st.builds(OneCycle, st.floats(0.01, 0.99))),
    batch_size=st.integers(1, 100_000),
    validation=st.integers(1, 10**12) | st.floats(1e-9, 1, exclude_max=True),
    seed=st.integers(0, 2**63 - 1),
    precision=st.sampled_from(["auto", "fp32", "bf16"]),
    early_stopping=st.none()
    | st.builds(EarlyStopping, st.just("val_accuracy"), st.integers(0, 9), st.booleans()),
    augment=st.none()
    | st.just("auto")
    | st.builds(
        Augment, st.integers(0, 9), st.sampled_from(["zero", "reflect"]), st.booleans(), st.floats(0, 180)
    ),
)


def recipe(**settings: object) -> Recipe:
    """Return a small recipe with some settings, of any type."""
    return Recipe.model_validate({"layers": [Flatten(), Dense(3, "relu")], **settings})


@given(_RECIPES)
def test_json_round_trip(valid_recipe: Recipe) -> None:
    """Every valid recipe is equal after it was written to JSON and read again."""
    assert Recipe.from_json(valid_recipe.to_json()) == valid_recipe


def test_defaults_equal_those_of_keras() -> None:
    """Defaults are Keras's: Adam at a constant 0.001; and a tenth of the images for validation."""
    created = recipe()
    assert created.optimizer == Adam(0.001)
    assert (created.schedule, created.validation, created.split_seed, created.seed) == (Constant(), 0.1, 0, 0)
    assert (created.name, created.batch_size, created.epochs, created.early_stopping) == (
        "custom",
        128,
        10,
        None,
    )
    assert (created.precision, created.augment) == ("auto", None)


def test_json_without_augmentation_has_none() -> None:
    """Old JSON without augmentation is a recipe without augmentation."""
    old = json.loads(recipe().to_json())
    del old["augment"]
    assert Recipe.from_json(json.dumps(old)) == recipe()


def test_override_changes_augmentation() -> None:
    """Augmentation settings can be set by key, added to each other, and removed with "none"."""
    created = recipe().override({"augment.shift": "2", "augment.flip": "true"})
    assert created.augment == Augment(shift=2, flip=True)
    assert created.override({"augment.rotation": 10}).augment == Augment(shift=2, flip=True, rotation=10.0)
    assert created.override({"augment": "none"}).augment is None
    assert created.override({"augment": "auto"}).augment == "auto"


def test_json_without_precision_is_fp32() -> None:
    """Old JSON without precision is a recipe in fp32; JSON with a precision keeps it."""
    old = json.loads(recipe().to_json())
    del old["precision"]
    assert Recipe.from_json(json.dumps(old)) == recipe(precision="fp32")
    assert Recipe.from_json(recipe().to_json()).precision == "auto"


def test_network_ends_in_a_softmax_head() -> None:
    """The network is the layers and the head, a Dense layer with softmax and one unit per class."""
    created = recipe(head=Head("random_normal"))
    assert created.network_layers(7) == (*created.layers, Dense(7, "softmax", "random_normal"))


def test_softmax_regression() -> None:
    """A recipe with only Flatten is softmax regression; an empty list is a recipe, which no image shape fits."""
    assert recipe(layers=[Flatten()]).network_layers(10)[-1] == Dense(10, "softmax")
    assert recipe(layers=[]).layers == ()


def test_scale_sets_the_pixel_factor() -> None:
    """Pixels are divided by 255 for "unit", and not for "raw"."""
    assert recipe().scale == 1 / 255
    assert recipe(pixels="raw").scale == 1.0


def test_recipe_is_immutable() -> None:
    """A recipe cannot be modified."""
    with pytest.raises(ValueError, match="frozen"):
        recipe().epochs = 3  # type: ignore[misc]  # the error is tested


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "'batch_size' is 0, expected at least 1."),
        ({"batch_size": 100_001}, "'batch_size' is 100001, expected at most 100000."),
        ({"batch_size": 2.0}, "'batch_size' is 2.0, expected a whole number."),
        ({"batch_size": True}, "'batch_size' is True, expected a whole number."),
        ({"epochs": "3"}, "'epochs' is '3', expected a whole number."),
        ({"seed": 2**63}, "'seed' is 9223372036854775808, expected at most 9223372036854775807."),
        ({"seed": -1}, "'seed' is -1, expected at least 0."),
        ({"validation": 1.0}, "'validation' is 1.0, expected a whole number of images"),
        ({"validation": True}, "'validation' is True, expected a whole number of images"),
        ({"validation": float("nan")}, "'validation' is nan, expected a whole number of images"),
        ({"validation": -1}, "'validation' is -1, expected a whole number of images"),
        ({"name": ""}, "'name' is '', expected a string that is not empty."),
        ({"name": "\ud800"}, "expected a string."),
        ({"source": "x" * 2001}, "expected a string of at most 2000 characters."),
        ({"pixels": "rwa"}, "Unknown value of pixels 'rwa'. Did you mean 'raw'? Known: raw, unit."),
        (
            {"precision": "bf61"},
            "Unknown value of precision 'bf61'. Did you mean 'bf16'? Known: auto, bf16, fp32.",
        ),
        ({"pixels": 3}, "'pixels' is 3, expected"),
        ({"head": {"kernel_initializer": "glorot"}}, "Did you mean 'glorot_uniform'?"),
        ({"optimizer": "Adam"}, "'optimizer' is 'Adam', expected a table, for example {type = ...}."),
        ({"optimizer": {"learning_rate": 1}}, "'optimizer' has no type. Use one of: Adam, RMSprop, SGD."),
        ({"optimizer": {"type": "Adm"}}, "Unknown optimizer.type 'Adm'. Did you mean 'Adam'?"),
        ({"schedule": {"type": "onecycle"}}, "Did you mean 'one_cycle'? Known: constant, one_cycle."),
        ({"layers": 3}, "'layers' is 3, expected a list."),
        ({"layers": [3]}, "'layers.0' is 3, expected a table, for example {type = ...}."),
        ({"layers": [{"type": "Dense"}]}, "The recipe has no 'layers.0.units'"),
        ({"layers": [{"type": "Dens", "units": 3}]}, "Unknown layers.0.type 'Dens'. Did you mean 'Dense'?"),
        (
            {"layers": [Flatten(), {"type": "Dense", "units": 0}]},
            "'layers.1.units' is 0, expected at least 1.",
        ),
        (
            {"layers": [{"type": "Conv2D", "filters": 1, "kernel_size": [3]}]},
            "'layers.0.kernel_size' is [3],",
        ),
        ({"layers": [{"type": "Dense", "units": 3, "activation": "rleu"}]}, "Did you mean 'relu'?"),
        ({"layers": [Flatten()] * 1001}, "expected at most 1000 items."),
        ({"layers": [Dense(3, "softmax")]}, "the layer with softmax is the head"),
        ({"early_stopping": {"patience": -1}}, "'early_stopping.patience' is -1, expected at least 0."),
        ({"early_stopping": EarlyStopping(), "validation": 0}, "early_stopping but validation = 0"),
        (
            {"augment": "strong"},
            "'augment' is 'strong', expected a table, for example {shift = 2}, or 'auto' or 'none'.",
        ),
        ({"augment": 3}, "'augment' is 3, expected a table"),
        ({"augment": {"shift": -1}}, "'augment.shift' is -1, expected at least 0."),
        ({"augment": {"shift": 1.5}}, "'augment.shift' is 1.5, expected a whole number."),
        ({"augment": {"shift": 1001}}, "'augment.shift' is 1001, expected at most 1000."),
        (
            {"augment": {"padding": "reflct"}},
            "Unknown value of augment.padding 'reflct'. Did you mean 'reflect'?",
        ),
        ({"augment": {"flip": 1}}, "'augment.flip' is 1, expected true or false."),
        ({"augment": {"rotation": 181}}, "'augment.rotation' is 181, expected at most 180"),
        ({"augment": {"rotation": float("nan")}}, "'augment.rotation' is nan, expected"),
        ({"augment": {"scale": 0.95}}, "'augment.scale' is 0.95, expected at most 0.9."),
        ({"augment": {"contrast": -0.1}}, "'augment.contrast' is -0.1, expected at least 0"),
        ({"augment": {"brightness": 1.1}}, "'augment.brightness' is 1.1, expected at most 1"),
        ({"augment": {"cutout": True}}, "'augment.cutout' is True, expected a whole number."),
        ({"augment": {"elastic": float("inf")}}, "'augment.elastic' is inf, expected at most 1000"),
        ({"augment": {"elastic_sigma": 0}}, "'augment.elastic_sigma' is 0, expected at least 0.5."),
    ],
)
def test_invalid_value_raises_recipe_error(settings: dict[str, object], message: str) -> None:
    """An invalid value raises a RecipeError that names key, value and what was expected, in one line."""
    with pytest.raises(RecipeError) as excinfo:
        recipe(**settings)
    assert message in str(excinfo.value)
    assert "\n" not in str(excinfo.value)


@pytest.mark.parametrize(
    ("settings", "start", "known"),
    [
        ({"batchsize": 3}, "Unknown recipe key 'batchsize'. Did you mean 'batch_size'?", "epochs"),
        (
            {"learning_rate": 3},
            "Unknown recipe key 'learning_rate'. Did you mean 'optimizer.learning_rate'?",
            "seed",
        ),
        (
            {"optimizer": {"type": "SGD", "learningrate": 3}},
            "Unknown recipe key 'optimizer.learningrate'. Did you mean 'optimizer.learning_rate'?",
            "optimizer.momentum",
        ),
        (
            {"early_stopping": {"patince": 3}},
            "Unknown recipe key 'early_stopping.patince'.",
            "early_stopping.monitor",
        ),
        (
            {"augment": {"rotate": 3}},
            "Unknown recipe key 'augment.rotate'. Did you mean 'augment.rotation'?",
            "augment.elastic_sigma",
        ),
        (
            {"layers": [{"type": "Dense", "units": 3, "activtion": "relu"}]},
            "Unknown recipe key 'layers.0.activtion'. Did you mean 'layers.0.activation'?",
            "layers.0.units",
        ),
    ],
)
def test_unknown_key_raises_recipe_error(settings: dict[str, object], start: str, known: str) -> None:
    """An unknown key raises a RecipeError with the most similar key and the other keys of its table."""
    with pytest.raises(RecipeError) as excinfo:
        recipe(**settings)
    assert str(excinfo.value).startswith(start)
    assert known in str(excinfo.value).partition("Known: ")[2]


def test_missing_layers_raise_recipe_error() -> None:
    """A recipe without layers raises a RecipeError."""
    with pytest.raises(RecipeError, match="The recipe has no 'layers'"):
        Recipe.model_validate({})


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "3", "[" * 100_000, '{"layers": [], "epochs": 1e400}', "9" * 5000]
)
def test_invalid_json_raises_recipe_error(text: str) -> None:
    """JSON that is malformed or not a recipe raises a RecipeError."""
    with pytest.raises(RecipeError):
        Recipe.from_json(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*Recipe.model_fields, "type", "units", "x"]), inner, max_size=4)
)))  # fmt: skip
def test_any_data_give_a_recipe_or_recipe_error(data: object) -> None:
    """Any data give a Recipe or a RecipeError."""
    with contextlib.suppress(RecipeError):
        Recipe.model_validate(data)
