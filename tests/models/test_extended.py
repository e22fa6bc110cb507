"""What a model is extended to: which layers are kept, which weights are begun with, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from optotype.engine.layers import BatchNormalization, Dense, Dropout, Flatten
from optotype.errors import DataError, RecipeError
from optotype.models.transfer import TransferRecipe, fingerprint
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from tests.models.samples import CLASSES, LAYERS, SHAPE, small_model

OTHERS = ("a", "b")


def _names(extended: TransferRecipe, classes: tuple[str, ...] = OTHERS) -> set[str]:
    return {name.partition(".")[0] for name in extended.weights(SHAPE, classes)}


def test_layers_are_added_before_a_new_head() -> None:
    """The model's layers come first and keep their weights; what is added is drawn anew, as is the head."""
    model = small_model()
    extended = model.transfer([Dropout(0.5), Dense(7, "relu")])
    assert extended.recipe.layers == (*LAYERS, Dropout(0.5), Dense(7, "relu"))
    assert extended.freeze
    assert extended.shared == 3
    weights = extended.weights(SHAPE, OTHERS)
    assert set(weights) == {name for name in model.weights if not name.startswith("3.")}
    assert all(weights[name] is model.weights[name] for name in weights)


@pytest.mark.parametrize(("keep", "shared"), [(None, 3), (3, 3), (2, 2), (-1, 2), (0, 0), (-3, 0)])
def test_layers_are_replaced(keep: int | None, shared: int) -> None:
    """`keep` counts the layers of the model that stay, as a slice does."""
    extended = small_model().transfer([Dense(5, "relu")], keep=keep)
    assert extended.recipe.layers == (*LAYERS[:keep], Dense(5, "relu"))
    assert extended.shared == shared


def test_a_replaced_layer_begins_anew() -> None:
    """A new layer like the one it replaces does not take over that one's weights."""
    assert _names(small_model().transfer([Dense(5, "relu")], keep=-1)) == {"1"}


def test_the_head_goes_on_with_the_same_classes() -> None:
    """The head begins with the model's weights where all layers and classes are the model's, in its order."""
    model = small_model()
    assert _names(model.transfer(), CLASSES) == {"1", "2", "3"}
    assert _names(model.transfer(), CLASSES[::-1]) == {"1", "2"}
    assert _names(model.transfer([Dense(4)]), CLASSES) == {"1", "2"}


def test_settings_are_the_models_or_those_of_another_recipe() -> None:
    """Epochs and all that is not the network come from the model's recipe or from `settings`, and can be overridden."""
    model = small_model(recipe=Recipe(layers=LAYERS, epochs=3, pixels="raw"))
    assert model.transfer().recipe.epochs == 3
    other = model.transfer(settings=Recipe(layers=(Dense(9),), epochs=7, batch_size=5)).override({"seed": 4})
    assert (other.recipe.epochs, other.recipe.batch_size, other.recipe.seed) == (7, 5, 4)
    assert other.recipe.layers == LAYERS
    assert other.recipe.pixels == "raw"
    assert other.model is model


@pytest.mark.parametrize(
    ("layers", "shared"),
    [
        (LAYERS, 3),
        ((*LAYERS, Dense(2)), 3),
        (LAYERS[:2], 2),
        ((*LAYERS[:2], Dense(6, "relu")), 2),
        ((Dense(5, "relu"),), 0),
    ],
)
def test_a_recipe_shares_what_it_has_alike(layers: tuple[Dense, ...], shared: int) -> None:
    """A recipe of its own shares the first layers, up to the first that differs in any setting."""
    assert TransferRecipe.from_equal_layers(Recipe(layers=layers), small_model()).shared == shared


def test_another_shape_is_refused() -> None:
    """Images of another shape than the model's are refused, both shapes named."""
    with pytest.raises(DataError, match=r"have shape 28 x 28 x 1, expected 4 x 3 x 1 as the model"):
        small_model().transfer().weights((28, 28, 1), OTHERS)


def test_nothing_in_common_is_refused() -> None:
    """A recipe that shares no layer with weights is refused: it says where the two part, and what to do."""
    extended = TransferRecipe.from_equal_layers(Recipe(layers=(Flatten(), Dense(9))), small_model())
    with pytest.raises(
        RecipeError, match=r"layer 1 is Dense\(units=9.*in the recipe and BatchNorm.*Take model.ext"
    ):
        extended.weights(SHAPE, OTHERS)
    with pytest.raises(RecipeError, match=r"layer 1 is the head in the recipe and BatchNorm"):
        TransferRecipe.from_equal_layers(Recipe(layers=(Flatten(),)), small_model()).weights(SHAPE, OTHERS)


def test_a_head_alone_cannot_be_frozen() -> None:
    """A model without weights below its head can be trained on, but there is nothing in it to freeze."""
    model = small_model(recipe=Recipe(layers=(Flatten(),)))
    assert _names(model.transfer(freeze=False), CLASSES) == {"1"}
    with pytest.raises(RecipeError, match="no weights but those of its head, expected a layer to freeze"):
        model.transfer().weights(SHAPE, CLASSES)


def test_other_pixels_are_refused() -> None:
    """A recipe that feeds pixels otherwise than the model's would make its weights senseless, and is refused."""
    with pytest.raises(RecipeError, match="pixels = 'raw', expected 'unit'"):
        TransferRecipe.from_equal_layers(Recipe(layers=LAYERS, pixels="raw"), small_model()).weights(SHAPE, OTHERS)


@pytest.mark.parametrize("keep", [4, -4])
def test_keeping_more_layers_than_there_are_is_refused(keep: int) -> None:
    """`keep` beyond the model's layers is refused, with how many there are."""
    with pytest.raises(
        RecipeError, match=f"first {keep} layers .* expected -3 to 3, since it has 3 before its head"
    ):
        small_model().transfer(keep=keep)


def test_a_fingerprint_is_of_what_the_model_computes() -> None:
    """Two models have one fingerprint if their weights and classes are equal, whatever they say of their origin."""
    model = small_model()
    changed = {**model.weights, "2.bias": np.ones(5, np.float32)}
    assert fingerprint(small_model(note="another")) == fingerprint(model)
    assert fingerprint(small_model(seed=1)) != fingerprint(model)
    assert fingerprint(replace(model, weights=changed)) != fingerprint(model)
    renamed = Model(model.recipe, SHAPE, ("x", *CLASSES[1:]), model.weights)
    assert fingerprint(renamed) != fingerprint(model)


def test_batch_normalization_is_a_layer_with_weights() -> None:
    """A model that shares but its batch normalization shares something."""
    assert _names(TransferRecipe.from_equal_layers(Recipe(layers=(Flatten(), BatchNormalization())), small_model())) == {"1"}
