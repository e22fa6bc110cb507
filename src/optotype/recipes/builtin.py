"""The recipes that come with optotype, each a TOML file beside this module, and how any recipe is found."""

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
"""Names of the built-in recipes, in the order in which they are shown."""

DEFAULTS: Final[Mapping[str, str]] = {"mnist": "mnist-quick"}
"""The built-in recipe for each data set that has one of its own."""

OTHERWISE: Final = "pictures-quick"
"""The built-in recipe for every other data set."""

_FOLDER: Final = Path(__file__).parent / "builtin"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Load a recipe.

    Args:
        name_or_path: The name of a built-in recipe, or the path of a TOML file; a plain name is never a file.

    Returns:
        The recipe; one whose file gives no name is named after the file.

    Raises:
        RecipeError: There is no such recipe, or its file cannot be understood; the message names the file.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in BUILTIN:
        return _read(_FOLDER / f"{name_or_path}.toml")
    if isinstance(name_or_path, Path) or path.suffix or len(path.parts) > 1:
        return _read(path)
    raise RecipeError(
        f"{unknown_name('recipe', str(name_or_path), BUILTIN)} Or give the path of a TOML file."
    )


def default_recipe(source_name: str, images: int) -> Recipe:
    """Give the recipe for a data set whose user names none.

    Args:
        source_name: The data set's name ("mnist").
        images: How many training images it has, validation included.

    Returns:
        The data set's own recipe; for any other, the one for pictures, with as many epochs as suit so many images.
    """
    if source_name in DEFAULTS:
        return load_recipe(DEFAULTS[source_name])
    return load_recipe(OTHERWISE).override({"epochs": epochs_for(images)})


def epochs_for(images: int) -> int:
    """Give how many epochs suit a data set of some images: those that show 200,000, but at least 10 and at most 60."""
    return max(10, min(60, 200_000 // max(images, 1)))


def _read(path: Path) -> Recipe:
    data = read_toml(path)
    try:
        return Recipe.model_validate({"name": path.stem, **data})
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None
