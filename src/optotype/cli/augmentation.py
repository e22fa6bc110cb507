"""`optotype data --augment`: what a training with some augmentation would see, and what "auto" would choose."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.terminal import prose

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
        help="Also draw augmented images. SETTING is what follows 'augment.' or 'augment=' in 'optotype train --set':"
        " shift=2, flip=true, auto; repeatable.",
    ),
]


@dataclass(frozen=True)
class Augmented:
    """Images that were augmented to be looked at.

    Attributes:
        recipe: Its augment says how; None for not at all, never "auto".
        measured: What "auto" measured; None where it was not asked for.
        sheet: The picture of them; None where nothing is augmented.
    """

    recipe: "Recipe"
    measured: "dict[str, JsonValue] | None"
    sheet: Path | None

    def to_json(self) -> "dict[str, JsonValue]":
        """Give it as JSON values."""
        return {
            "augment": self.recipe.model_dump(mode="json")["augment"],
            "auto": self.measured,
            "sheet": None if self.sheet is None else str(self.sheet),
        }


def recipe_with(data: "Dataset", settings: list[str]) -> "Recipe":
    """Give the recipe that `optotype train` takes for a data set, with settings of --augment in it.

    Raises:
        RecipeError: A setting is unknown or has no such value.
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


def write_augmented(
    screen: "Console", data: "Dataset", recipe: "Recipe", folder: Path, *, json: bool
) -> Augmented:
    """Settle what "auto" leaves open, as a training would, and draw augmented images into a folder."""
    from optotype.engine.augmentation import Augment
    from optotype.reporting.image_sheet import draw_sheet, rows_of_changes
    from optotype.storage.atomic import write_durably
    from optotype.training.auto_augment import resolve_augment
    from optotype.training.plan import plan_training

    shown = screen.is_terminal and not json and recipe.augment == "auto"
    with screen.status("measuring which changes a quick net tolerates") if shown else nullcontext():
        plan = resolve_augment(plan_training(data, recipe))
    recipe, measured = plan.recipe, plan.augment_choice
    if not isinstance(recipe.augment, Augment):
        return Augmented(recipe, measured, None)
    sheet = folder / "augmented.png"
    rows = rows_of_changes(data, plan.split.train, recipe.augment, recipe.seed)
    write_durably(sheet, draw_sheet(f"{data.name} as it is and in epochs 1 to 9: {recipe.augment}", rows))
    return Augmented(recipe, measured, sheet)


def show_augmented(screen: "Console", augmented: Augmented) -> None:
    """Print where the picture is, what it shows and, of "auto", why."""
    how = str(augmented.recipe.augment or "nothing")
    prose(screen, f"{'augmented':<12} {augmented.sheet or 'no picture'}: {how}")
    why = augmented.measured["why"] if augmented.measured else None
    if isinstance(why, list):
        for reason in why:
            prose(screen, f"  {reason}")
