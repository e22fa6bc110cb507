"""`optotype data --augment`: images as a training with this augmentation sees them, and the choice of "auto"."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.terminal import print_fact, print_text

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.console import Console

    from optotype.data.dataset import Dataset
    from optotype.recipes.recipe import Recipe

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--augment",
        metavar="SETTING",
        help="Also draw augmented images. SETTING is shift=2, flip=true, auto or any other value of the recipe's"
        " 'augment' (repeatable).",
    ),
]


@dataclass(frozen=True)
class AugmentationPreview:
    """Augmented images in a file, and how they were augmented.

    Attributes:
        recipe: The recipe; its augment is None if no augmentation applies, and never "auto".
        measured: What "auto" measured; None for other settings.
        path: The image file; None if nothing is augmented.
    """

    recipe: "Recipe"
    measured: "dict[str, JsonValue] | None"
    path: Path | None

    def to_json(self) -> "dict[str, JsonValue]":
        """Return the preview as JSON values."""
        return {
            "augment": self.recipe.model_dump(mode="json")["augment"],
            "auto": self.measured,
            "sheet": None if self.path is None else str(self.path),
        }


def recipe_with_augment(data: "Dataset", settings: list[str]) -> "Recipe":
    """Return the default recipe for a data set with the settings of --augment.

    Raises:
        RecipeError: If a setting is unknown or its value is invalid.
    """
    from optotype.recipes.builtin import default_recipe

    changes: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if equals and name.strip().isidentifier():  # else a word, or a whole table as in TOML
            changes[f"augment.{name.strip()}"] = value.strip()
        else:
            changes["augment"] = setting.strip()
    return default_recipe(data.name, len(data.labels)).override(changes)


def write_preview(
    console: "Console", data: "Dataset", recipe: "Recipe", folder: Path, *, json: bool
) -> AugmentationPreview:
    """Resolve "auto" as a training would, and write augmented images into a folder."""
    from optotype.engine.augmentation import Augment
    from optotype.reporting.image_sheet import draw_sheet, rows_of_changes
    from optotype.storage.atomic import write_durably
    from optotype.training.auto_augment import resolve_augment
    from optotype.training.plan import plan_training

    has_status = console.is_terminal and not json and recipe.augment == "auto"
    with console.status("measuring which changes a probe network tolerates") if has_status else nullcontext():
        plan = resolve_augment(plan_training(data, recipe))
    recipe, measured = plan.recipe, plan.augment_choice
    if not isinstance(recipe.augment, Augment):
        return AugmentationPreview(recipe, measured, None)
    path = folder / "augmented.png"
    rows = rows_of_changes(data, plan.split.train, recipe.augment, recipe.seed)
    write_durably(path, draw_sheet(f"{data.name}: original, and epochs 1 to 9 with {recipe.augment}", rows))
    return AugmentationPreview(recipe, measured, path)


def print_preview(console: "Console", preview: AugmentationPreview) -> None:
    """Print the file, the augmentation and, for "auto", the reasons."""
    if preview.path is None:
        print_fact(console, "augmented", "nothing: no augmentation")
    else:
        print_fact(console, "augmented", f"{preview.path}: {preview.recipe.augment}")
    reasons = preview.measured["why"] if preview.measured else None
    if isinstance(reasons, list):
        for reason in reasons:
            print_text(console, f"  {reason}")
