"""A trained model taken further: a recipe whose first layers begin with the model's weights."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.engine.layers import Layer, Shape
from optotype.errors import DataError, RecipeError
from optotype.recipes.recipe import Recipe

if TYPE_CHECKING:
    from optotype.models.model import Model


@dataclass(frozen=True, eq=False)
class Extended:
    """A recipe to be trained from a model rather than from nothing; `train` takes one in the place of a recipe.

    The layers that are shared begin with the model's weights; those that follow are drawn from the recipe's seed as
    always. The head is shared too where all layers are and the classes of the data are the model's; it is never frozen.

    Attributes:
        recipe: What to train and how.
        model: What it begins from.
        shared: How many layers, from the first on, are the model's; the head is not counted.
        freeze: Whether the shared layers stay as they are, and only the others are trained.
    """

    recipe: Recipe
    model: "Model"
    shared: int
    freeze: bool = True

    @classmethod
    def matching(cls, recipe: Recipe, model: "Model", *, freeze: bool = True) -> "Extended":
        """Share as many layers as a recipe and a model have alike, from the first on."""
        alike = [mine == other for mine, other in zip(recipe.layers, model.recipe.layers, strict=False)]
        return cls(recipe, model, [*alike, False].index(False), freeze)

    def override(self, changes: Mapping[str, object]) -> "Extended":
        """Change settings of the recipe by their key, as ``Recipe.override`` does; RecipeError where that does."""
        return replace(self, recipe=self.recipe.override(changes))

    def weights(self, shape: Shape, class_names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
        """Give the weights to begin with in the place of drawn ones.

        Args:
            shape: Of the images to train on, (height, width, channels).
            class_names: Their classes.

        Returns:
            float32 arrays by name ("0.kernel"), in Keras's layout.

        Raises:
            DataError: The images have another shape than the model's.
            RecipeError: No layer with weights is shared or there is none to freeze, or the recipe feeds the pixels
                otherwise.
        """
        model = self.model
        if shape != model.input_shape:
            raise DataError(
                f"The images have shape {_by(shape)}, expected {_by(model.input_shape)} as the model to begin from has."
                " Load the data in that size, or begin from a model of theirs."
            )
        if self.recipe.pixels != model.pixels:
            raise RecipeError(
                f"The recipe has pixels = {self.recipe.pixels!r}, expected {model.pixels!r} as the model to begin from"
                f" has. Set pixels = {model.pixels!r}."
            )
        all_shared = self.shared == len(self.recipe.layers) == len(model.recipe.layers)
        end = self.shared + (1 if all_shared and class_names == model.class_names else 0)
        places = {name: int(name.partition(".")[0]) for name in model.weights}
        weights = {name: weight for name, weight in model.weights.items() if places[name] < end}
        if not weights:
            raise self._nothing_shared()
        if self.freeze and min(places[name] for name in weights) >= self.shared:
            raise RecipeError(
                "The model to begin from has no weights but those of its head, expected a layer to freeze. Train it"
                " further with freeze=False."
            )
        return weights

    def to_json(self) -> dict[str, JsonValue]:
        """Say what the training begins from, as JSON values for its run."""
        provenance = self.model.provenance
        return {
            "fingerprint": fingerprint(self.model),
            "run": provenance.get("run"),
            "data": provenance.get("data"),
            "recipe": self.model.recipe.name,
            "class_names": list(self.model.class_names),
            "shared_layers": self.shared,
            "freeze": self.freeze,
        }

    def _nothing_shared(self) -> RecipeError:
        mine, other = (recipe.layers[self.shared :][:1] for recipe in (self.recipe, self.model.recipe))
        return RecipeError(
            f"The recipe shares no layer with weights with the model to begin from: layer {self.shared} is"
            f" {mine[0] if mine else 'the head'} in the recipe and {other[0] if other else 'the head'} in the model,"
            " expected the same first layers. Take model.extended(...), or train without a model to begin from."
        )


def extend(
    model: "Model", layers: Sequence[Layer], keep: int | None, settings: Recipe | None, *, freeze: bool
) -> Extended:
    """Build the recipe of `Model.extended`, whose arguments and errors these are."""
    own = model.recipe.layers
    if keep is not None and not -len(own) <= keep <= len(own):
        raise RecipeError(
            f"The first {keep} layers of the model were to be kept, expected {-len(own)} to {len(own)}, since it has"
            f" {len(own)} before its head. Keep fewer."
        )
    like = model.recipe if settings is None else settings
    data = {
        **like.model_dump(),
        "name": "extended",
        "source": f"the recipe {model.recipe.name}, extended",
        "pixels": model.pixels,
        "head": model.recipe.head,
        "layers": (*own[:keep], *layers),
    }
    return Extended(Recipe.model_validate(data), model, len(own[:keep]), freeze)


def fingerprint(model: "Model") -> str:
    """Hash a model's weights, with what they take and tell apart, whatever file it was saved to.

    Returns:
        "sha256:" and 64 hexadecimal digits.
    """
    # The shapes come first, so that no two models run together into the same bytes.
    about = {
        "input_shape": model.input_shape,
        "pixels": model.pixels,
        "class_names": model.class_names,
        "weights": {name: model.weights[name].shape for name in sorted(model.weights)},
    }
    digest = hashlib.sha256(json.dumps(about).encode())
    for name in sorted(model.weights):
        digest.update(np.ascontiguousarray(model.weights[name], "<f4").data)
    return f"sha256:{digest.hexdigest()}"


def _by(shape: Shape) -> str:
    return " x ".join(map(str, shape))
