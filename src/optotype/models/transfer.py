"""Transfer learning: a recipe whose first layers start from the weights of a trained model."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Layer, Shape
from optotype.errors import DataError, RecipeError
from optotype.models.provenance import TransferStart
from optotype.recipes.recipe import Recipe

if TYPE_CHECKING:
    from optotype.models.model import Model


@dataclass(frozen=True, eq=False)
class TransferRecipe:
    """A recipe that starts from a trained model's weights; ``train`` accepts one instead of a recipe.

    The shared layers start from the model's weights. The layers after them are initialized from the recipe's seed, as
    in any training. The head is shared too if all layers are shared and the data have the model's classes; it is
    never frozen.

    Attributes:
        recipe: The recipe to train.
        model: The model to start from.
        shared_layers: Number of first layers whose weights come from the model, without the head.
        freeze: Whether the shared layers keep their weights, so that only the other layers are trained.
    """

    recipe: Recipe
    model: "Model"
    shared_layers: int
    freeze: bool = True

    @classmethod
    def from_equal_layers(cls, recipe: Recipe, model: "Model", *, freeze: bool = True) -> "TransferRecipe":
        """Return a transfer recipe that shares the first layers that are equal in a recipe and a model."""
        pairs = zip(recipe.layers, model.recipe.layers, strict=False)
        are_equal = [layer == model_layer for layer, model_layer in pairs]
        return cls(recipe, model, [*are_equal, False].index(False), freeze)

    def override(self, changes: Mapping[str, object]) -> "TransferRecipe":
        """Return a copy with changed settings; arguments and errors as for ``Recipe.override``."""
        return replace(self, recipe=self.recipe.override(changes))

    def initial_weights(self, shape: Shape, class_names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
        """Return the weights that replace randomly initialized ones.

        Args:
            shape: Shape of the training images, (height, width, channels).
            class_names: Classes of the training images.

        Returns:
            float32 arrays by name ("0.kernel"), in Keras's layout.

        Raises:
            DataError: If the images have another shape than the model's.
            RecipeError: If no layer with weights is shared, if there is no layer to freeze, or if the recipe scales
                pixels differently.
        """
        model = self.model
        if shape != model.input_shape:
            raise DataError(
                f"The images have shape {_format_shape(shape)}, expected {_format_shape(model.input_shape)} as the"
                " model to start from has. Load the data in that size, or start from a model of this size."
            )
        if self.recipe.pixels != model.pixels:
            raise RecipeError(
                f"The recipe has pixels = {self.recipe.pixels!r}, expected {model.pixels!r} as the model to start from"
                f" has. Set pixels = {model.pixels!r}."
            )
        all_shared = self.shared_layers == len(self.recipe.layers) == len(model.recipe.layers)
        end = self.shared_layers + (1 if all_shared and class_names == model.class_names else 0)
        layer_indices = {name: int(name.partition(".")[0]) for name in model.weights}
        weights = {name: weight for name, weight in model.weights.items() if layer_indices[name] < end}
        if not weights:
            raise self._no_shared_layer_error()
        if self.freeze and min(layer_indices[name] for name in weights) >= self.shared_layers:
            raise RecipeError(
                "The model to start from has only the weights of its head, expected a layer to freeze. Train it"
                " with freeze=False."
            )
        return weights

    def start(self) -> TransferStart:
        """Return the record of the model that the training starts from."""
        provenance = self.model.provenance
        return TransferStart(
            fingerprint=fingerprint_model(self.model),
            run=provenance.run,
            data=provenance.data,
            recipe=self.model.recipe.name,
            class_names=self.model.class_names,
            shared_layers=self.shared_layers,
            freeze=self.freeze,
        )

    def _no_shared_layer_error(self) -> RecipeError:
        first_other = self.recipe.layers[self.shared_layers :][:1]
        first_of_model = self.model.recipe.layers[self.shared_layers :][:1]
        return RecipeError(
            f"The recipe shares no layer with weights with the model to start from: layer {self.shared_layers} is"
            f" {first_other[0] if first_other else 'the head'} in the recipe and"
            f" {first_of_model[0] if first_of_model else 'the head'} in the model, expected the same first layers."
            " Use model.transfer(...), or train from random weights."
        )


def transfer_recipe(
    model: "Model", layers: Sequence[Layer], keep: int | None, settings: Recipe | None, *, freeze: bool
) -> TransferRecipe:
    """Return the transfer recipe of ``Model.transfer``; arguments and errors as there."""
    model_layers = model.recipe.layers
    if keep is not None and not -len(model_layers) <= keep <= len(model_layers):
        raise RecipeError(
            f"keep is {keep}, expected {-len(model_layers)} to {len(model_layers)}: the model has {len(model_layers)}"
            " layers before its head. Keep fewer layers."
        )
    base = model.recipe if settings is None else settings
    values = {
        **base.model_dump(),
        "name": "transfer",
        "source": f"transfer learning from recipe {model.recipe.name}",
        "pixels": model.pixels,
        "head": model.recipe.head,
        "layers": (*model_layers[:keep], *layers),
    }
    return TransferRecipe(Recipe.model_validate(values), model, len(model_layers[:keep]), freeze)


def fingerprint_model(model: "Model") -> str:
    """Return a hash of a model's weights, image shape, pixel scale and class names.

    It is the same for every file and format that the model is saved to.

    Returns:
        "sha256:" and 64 hexadecimal digits.
    """
    # The shapes are hashed first, so that the bytes of different models cannot be equal by concatenation.
    header = {
        "input_shape": model.input_shape,
        "pixels": model.pixels,
        "class_names": model.class_names,
        "weights": {name: model.weights[name].shape for name in sorted(model.weights)},
    }
    digest = hashlib.sha256(json.dumps(header).encode())
    for name in sorted(model.weights):
        digest.update(np.ascontiguousarray(model.weights[name], "<f4").data)
    return f"sha256:{digest.hexdigest()}"


def _format_shape(shape: Shape) -> str:
    return " x ".join(map(str, shape))
