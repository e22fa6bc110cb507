"""Recipes: what is accepted, what is refused in which words, and the way through JSON."""

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
    """Make a small recipe with some settings, of any type."""
    return Recipe.model_validate({"layers": [Flatten(), Dense(3, "relu")], **settings})


@given(_RECIPES)
def test_json_round_trip(made: Recipe) -> None:
    """Every recipe that can be made comes back from its JSON as it was."""
    assert Recipe.from_json(made.to_json()) == made


def test_defaults() -> None:
    """What a recipe does not say is Keras's: Adam at 0.001, constant, and optotype's tenth for validation."""
    made = recipe()
    assert made.optimizer == Adam(0.001)
    assert (made.schedule, made.validation, made.split_seed, made.seed) == (Constant(), 0.1, 0, 0)
    assert (made.name, made.batch_size, made.epochs, made.early_stopping) == ("custom", 128, 10, None)
    assert (made.precision, made.augment) == ("auto", None)


def test_json_from_before_there_was_augmentation_means_none() -> None:
    """A recipe kept as JSON without an augmentation was trained on images as they are, and is read so."""
    old = json.loads(recipe().to_json())
    del old["augment"]
    assert Recipe.from_json(json.dumps(old)) == recipe()


def test_augmentation_is_set_by_key_and_taken_away() -> None:
    """Settings of the augmentation are laid over none at all, over each other, and are gone after "none"."""
    made = recipe().override({"augment.shift": "2", "augment.flip": "true"})
    assert made.augment == Augment(shift=2, flip=True)
    assert made.override({"augment.rotation": 10}).augment == Augment(shift=2, flip=True, rotation=10.0)
    assert made.override({"augment": "none"}).augment is None
    assert made.override({"augment": "auto"}).augment == "auto"


def test_json_from_before_there_was_a_precision_means_fp32() -> None:
    """A recipe kept as JSON without a precision was trained in fp32 and is read so; one with it stays as it is."""
    old = json.loads(recipe().to_json())
    del old["precision"]
    assert Recipe.from_json(json.dumps(old)) == recipe(precision="fp32")
    assert Recipe.from_json(recipe().to_json()).precision == "auto"


def test_network_layers_end_in_the_head() -> None:
    """The whole network is the layers and a softmax of one unit a class, initialized as the head says."""
    made = recipe(head=Head("random_normal"))
    assert made.network_layers(7) == (*made.layers, Dense(7, "softmax", "random_normal"))


def test_softmax_regression_needs_no_layer_but_flatten() -> None:
    """A recipe of Flatten alone is softmax regression, and an empty list is left for the shapes to refuse."""
    assert recipe(layers=[Flatten()]).network_layers(10)[-1] == Dense(10, "softmax")
    assert recipe(layers=[]).layers == ()


def test_scale() -> None:
    """Unit pixels are divided by 255, raw ones are not."""
    assert recipe().scale == 1 / 255
    assert recipe(pixels="raw").scale == 1.0


def test_frozen() -> None:
    """A recipe cannot be changed, only copied with changes."""
    with pytest.raises(ValueError, match="frozen"):
        recipe().epochs = 3  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch_size": 0}, "'batch_size' is 0, expected at least 1."),
        ({"batch_size": 100_001}, "'batch_size' is 100001, expected at most 100000."),
        ({"batch_size": 2.0}, "'batch_size' is 2.0, expected a whole number."),
        ({"batch_size": True}, "'batch_size' is True, expected a whole number."),
        ({"epochs": "3"}, "'epochs' is '3', expected a whole number."),
        ({"seed": 2**63}, "'seed' is 9223372036854775808, expected at most 9223372036854775807."),
        ({"seed": -1}, "'seed' is -1, expected at least 0."),
        ({"validation": 1.0}, "'validation' is 1.0, expected a whole number of images from 0, or a share"),
        ({"validation": True}, "'validation' is True, expected a whole number of images"),
        ({"validation": float("nan")}, "'validation' is nan, expected a whole number of images"),
        ({"validation": -1}, "'validation' is -1, expected a whole number of images"),
        ({"name": ""}, "'name' is '', expected a text that is not empty."),
        ({"name": "\ud800"}, "expected a text."),
        ({"source": "x" * 2001}, "expected a text of at most 2000 characters."),
        ({"pixels": "rwa"}, "Unknown value of pixels 'rwa'. Did you mean 'raw'? Known: raw, unit."),
        (
            {"precision": "bf61"},
            "Unknown value of precision 'bf61'. Did you mean 'bf16'? Known: auto, bf16, fp32.",
        ),
        ({"pixels": 3}, "'pixels' is 3, expected"),
        ({"head": {"kernel_initializer": "glorot"}}, "Did you mean 'glorot_uniform'?"),
        ({"optimizer": "Adam"}, "'optimizer' is 'Adam', expected a table such as {type = ...}."),
        ({"optimizer": {"learning_rate": 1}}, "'optimizer' has no type. Give one of: Adam, RMSprop, SGD."),
        ({"optimizer": {"type": "Adm"}}, "Unknown optimizer.type 'Adm'. Did you mean 'Adam'?"),
        ({"schedule": {"type": "onecycle"}}, "Did you mean 'one_cycle'? Known: constant, one_cycle."),
        ({"layers": 3}, "'layers' is 3, expected a list."),
        ({"layers": [3]}, "'layers.0' is 3, expected a table such as {type = ...}."),
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
        ({"layers": [Flatten()] * 1001}, "expected at most 1000 of them."),
        ({"layers": [Dense(3, "softmax")]}, "the layer with softmax is the head"),
        ({"early_stopping": {"patience": -1}}, "'early_stopping.patience' is -1, expected at least 0."),
        ({"early_stopping": EarlyStopping(), "validation": 0}, "early_stopping but validation = 0"),
        (
            {"augment": "strong"},
            "'augment' is 'strong', expected a table such as {shift = 2}, 'auto' or 'none'.",
        ),
        ({"augment": 3}, "'augment' is 3, expected a table such as"),
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
def test_bad_value(settings: dict[str, object], sentence: str) -> None:
    """A value that is not accepted is named with its key and with what was expected."""
    with pytest.raises(RecipeError) as caught:
        recipe(**settings)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


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
def test_unknown_key(settings: dict[str, object], start: str, known: str) -> None:
    """An unknown key is named with the nearest known one and the others of its table."""
    with pytest.raises(RecipeError) as caught:
        recipe(**settings)
    assert str(caught.value).startswith(start)
    assert known in str(caught.value).partition("Known: ")[2]


def test_missing_layers() -> None:
    """A recipe without layers says that it needs them."""
    with pytest.raises(RecipeError, match="The recipe has no 'layers'"):
        Recipe.model_validate({})


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "3", "[" * 100_000, '{"layers": [], "epochs": 1e400}', "9" * 5000]
)
def test_bad_json(text: str) -> None:
    """JSON that is malformed, or no recipe, is a RecipeError."""
    with pytest.raises(RecipeError):
        Recipe.from_json(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*Recipe.model_fields, "type", "units", "x"]), inner, max_size=4)
)))  # fmt: skip
def test_any_data_is_a_recipe_or_a_recipe_error(data: object) -> None:
    """Whatever a file holds, reading it gives a Recipe or a RecipeError."""
    with contextlib.suppress(RecipeError):
        Recipe.model_validate(data)
