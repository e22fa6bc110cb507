"""The built-in recipes, one TOML file each, and loading of recipes by name or path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from optotype.errors import RecipeError, unknown_name
from optotype.recipes.reading import read_toml
from optotype.recipes.recipe import Recipe

BUILTIN: Final = (
    "mlp-512-512",
    "mlp-512-256-128",
    "mlp-32-16",
    "mlp-784",
    "cnn-small",
    "cnn-large",
    "dnn-sigmoid",
    "mlp-300-300",
    "mlp-300-300-early",
    "mlp-300-300-20",
    "mlp-800-800",
    "mlp-300x3",
    "mnist-quick",
    "pictures-quick",
)
"""Names of the built-in recipes, in the order of lists."""

DEFAULTS: Final[Mapping[str, str]] = {"mnist": "mnist-quick"}
"""Default recipes of data sets that have their own, by the data set's name."""

FALLBACK: Final = "pictures-quick"
"""Default recipe of every other data set."""

_FOLDER: Final = Path(__file__).parent / "builtin"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Load a recipe.

    Args:
        name_or_path: Name of a built-in recipe, or path of a TOML file; a string without folder and suffix is a name.

    Returns:
        The recipe; its name defaults to the file's.

    Raises:
        RecipeError: If there is no such recipe, or its file is not valid; the message names the file.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in BUILTIN:
        return _read(_FOLDER / f"{name_or_path}.toml")
    if isinstance(name_or_path, Path) or path.suffix or len(path.parts) > 1:
        return _read(path)
    raise RecipeError(f"{unknown_name('recipe', str(name_or_path), BUILTIN)} Or use the path of a TOML file.")


def default_recipe(source_name: str, images: int) -> Recipe:
    """Return the default recipe of a data set.

    Args:
        source_name: Name of the data set ("mnist").
        images: Number of its training images, validation images included.

    Returns:
        The data set's own recipe; for any other data set the fallback, with a number of epochs for that many images.
    """
    if source_name in DEFAULTS:
        return load_recipe(DEFAULTS[source_name])
    return load_recipe(FALLBACK).override({"epochs": epochs_for(images)})


def epochs_for(images: int) -> int:
    """Return the default number of epochs: 200,000 divided by the number of images, at least 10 and at most 60."""
    return max(10, min(60, 200_000 // max(images, 1)))


def _read(path: Path) -> Recipe:
    values = read_toml(path)
    try:
        return Recipe.model_validate({"name": path.stem, **values})
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None
