"""Transfer recipes: the layers that are kept, the weights that training starts from, and the errors."""

from dataclasses import replace

import numpy as np
import pytest

from optotype.engine.layers import BatchNormalization, Dense, Dropout, Flatten
from optotype.errors import DataError, RecipeError
from optotype.models.model import Model
from optotype.models.transfer import TransferRecipe, fingerprint_model
from optotype.recipes.recipe import Recipe
from tests.models.samples import CLASSES, LAYERS, SHAPE, small_model

OTHERS = ("a", "b")


def _layers_with_weights(transfer: TransferRecipe, classes: tuple[str, ...] = OTHERS) -> set[str]:
    """Return the indices of the layers that start from the model's weights."""
    return {name.partition(".")[0] for name in transfer.initial_weights(SHAPE, classes)}


def test_layers_are_added_before_a_new_head() -> None:
    """The model's layers come first and keep their weights; added layers and the head are new."""
    model = small_model()
    transfer = model.transfer([Dropout(0.5), Dense(7, "relu")])
    assert transfer.recipe.layers == (*LAYERS, Dropout(0.5), Dense(7, "relu"))
    assert transfer.freeze
    assert transfer.shared_layers == 3
    weights = transfer.initial_weights(SHAPE, OTHERS)
    assert set(weights) == {name for name in model.weights if not name.startswith("3.")}
    assert all(weights[name] is model.weights[name] for name in weights)


@pytest.mark.parametrize(("keep", "shared"), [(None, 3), (3, 3), (2, 2), (-1, 2), (0, 0), (-3, 0)])
def test_layers_are_replaced(keep: int | None, shared: int) -> None:
    """`keep` counts the model's layers that stay, like the end of a slice."""
    transfer = small_model().transfer([Dense(5, "relu")], keep=keep)
    assert transfer.recipe.layers == (*LAYERS[:keep], Dense(5, "relu"))
    assert transfer.shared_layers == shared


def test_replaced_layer_is_new() -> None:
    """A layer that equals the one that it replaces does not start from its weights."""
    assert _layers_with_weights(small_model().transfer([Dense(5, "relu")], keep=-1)) == {"1"}


def test_head_is_shared_for_the_same_classes() -> None:
    """The head starts from the model's weights if all layers and classes are the model's, in its order."""
    model = small_model()
    assert _layers_with_weights(model.transfer(), CLASSES) == {"1", "2", "3"}
    assert _layers_with_weights(model.transfer(), CLASSES[::-1]) == {"1", "2"}
    assert _layers_with_weights(model.transfer([Dense(4)]), CLASSES) == {"1", "2"}


def test_settings() -> None:
    """Settings other than layers come from the model's recipe or from `settings`, and can be overridden."""
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
def test_equal_first_layers_are_shared(layers: tuple[Dense, ...], shared: int) -> None:
    """A recipe shares the first layers up to the first one that differs in any setting."""
    assert TransferRecipe.from_equal_layers(Recipe(layers=layers), small_model()).shared_layers == shared


def test_other_shape() -> None:
    """Images of another shape raise a DataError that names both shapes."""
    with pytest.raises(DataError, match=r"28 x 28 x 1, expected 4 x 3 x 1"):
        small_model().transfer().initial_weights((28, 28, 1), OTHERS)


def test_no_shared_layer() -> None:
    """A recipe that shares no layer with weights raises a RecipeError that names the first different layers."""
    transfer = TransferRecipe.from_equal_layers(Recipe(layers=(Flatten(), Dense(9))), small_model())
    with pytest.raises(RecipeError, match=r"layer 1 is Dense\(units=9.*in the recipe and BatchNorm"):
        transfer.initial_weights(SHAPE, OTHERS)
    with pytest.raises(RecipeError, match=r"layer 1 is the head in the recipe and BatchNorm"):
        TransferRecipe.from_equal_layers(Recipe(layers=(Flatten(),)), small_model()).initial_weights(
            SHAPE, OTHERS
        )


def test_nothing_to_freeze() -> None:
    """A model with weights only in its head can be fine-tuned, but not frozen."""
    model = small_model(recipe=Recipe(layers=(Flatten(),)))
    assert _layers_with_weights(model.transfer(freeze=False), CLASSES) == {"1"}
    with pytest.raises(RecipeError, match="expected a layer to freeze"):
        model.transfer().initial_weights(SHAPE, CLASSES)


def test_other_pixels() -> None:
    """A recipe with another pixel range than the model's raises a RecipeError."""
    with pytest.raises(RecipeError, match="pixels = 'raw', expected 'unit'"):
        TransferRecipe.from_equal_layers(Recipe(layers=LAYERS, pixels="raw"), small_model()).initial_weights(
            SHAPE, OTHERS
        )


@pytest.mark.parametrize("keep", [4, -4])
def test_keep_out_of_range(keep: int) -> None:
    """`keep` beyond the model's layers raises a RecipeError with their number."""
    with pytest.raises(RecipeError, match=f"keep is {keep}, expected -3 to 3"):
        small_model().transfer(keep=keep)


def test_fingerprint() -> None:
    """Models have the same fingerprint if weights and classes are equal, regardless of their provenance."""
    model = small_model()
    changed = {**model.weights, "2.bias": np.ones(5, np.float32)}
    assert fingerprint_model(small_model(note="another")) == fingerprint_model(model)
    assert fingerprint_model(small_model(seed=1)) != fingerprint_model(model)
    assert fingerprint_model(replace(model, weights=changed)) != fingerprint_model(model)
    renamed = Model(model.recipe, SHAPE, ("x", *CLASSES[1:]), model.weights)
    assert fingerprint_model(renamed) != fingerprint_model(model)


def test_shared_batch_normalization() -> None:
    """Batch normalization counts as a shared layer with weights."""
    assert _layers_with_weights(
        TransferRecipe.from_equal_layers(Recipe(layers=(Flatten(), BatchNormalization())), small_model())
    ) == {"1"}


def test_start() -> None:
    """The record of the start names the model's fingerprint, recipe, classes and the shared layers."""
    model = small_model()
    start = model.transfer([Dense(4)], keep=2, freeze=False).start()
    assert (start.fingerprint, start.recipe) == (fingerprint_model(model), model.recipe.name)
    assert (start.class_names, start.shared_layers, start.freeze) == (CLASSES, 2, False)
