"""Small models for tests of models and runs."""

from optotype.engine.layers import BatchNormalization, Dense, Flatten, Layer
from optotype.engine.network import Network
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe

SHAPE = (4, 3, 1)
CLASSES = ("zero", "one", "a [bold] ζ")
LAYERS: tuple[Layer, ...] = (Flatten(), BatchNormalization(), Dense(5, "relu"))


def small_model(
    seed: int = 0, recipe: Recipe | None = None, shape: tuple[int, int, int] = SHAPE, note: str = "test"
) -> Model:
    """Make an untrained model of a few weights."""
    recipe = recipe or Recipe(layers=LAYERS)
    network = Network(recipe.network_layers(len(CLASSES)), shape, threads=1)
    network.initialize(seed)
    return Model(recipe, shape, CLASSES, network.weights(), {"note": note})
