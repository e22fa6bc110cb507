"""Commands to try next, ready to be typed."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict

from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.dataset import Options
from optotype.recipes.builtin import BUILTIN, load_recipe
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run


def train_command(run: Run, changes: Mapping[str, object]) -> str:
    """Return the command that repeats the training of a run with some settings changed.

    Args:
        run: The run.
        changes: New values by key; keys in a table are dotted ("optimizer.learning_rate").

    Returns:
        A shell command if the recipe is a built-in one, including the run's own changes to it; otherwise a line of
        Python.
    """
    own_changes = _changes_to_builtin(run.recipe)
    if own_changes is None or run.source == ARRAYS:
        return f"train({_load_call(run)}, run.recipe.override({dict(changes)!r}))"
    settings = [
        f"--set {shlex.quote(f'{key}={_toml_value(value)}')}"
        for key, value in {**own_changes, **changes}.items()
    ]
    return " ".join(["optotype train", _training_arguments(run), "--recipe", run.recipe.name, *settings])


def check_command(run: Run) -> str:
    """Return the command that checks the data of a run for faults."""
    return (
        f"check({_load_call(run)})"
        if run.source == ARRAYS
        else f"optotype data {_source_arguments(run)} --check"
    )


def judge_command(run: Run) -> str:
    """Return the command that judges a run on other images."""
    return f"optotype judge {shlex.quote(str(run.path))} --data MORE"


def edit_recipe_advice(run: Run, change: str) -> str:
    """Return instructions for training with other layers: save the recipe as a file, edit it, train with it."""
    if _changes_to_builtin(run.recipe) is None or run.source == ARRAYS:
        return f"{change} in the recipe's layers, and train again"
    name = run.recipe.name
    return (
        f"save the recipe to a file (optotype recipes {name} > my.toml), {change} there,"
        f" and train with it (optotype train {_training_arguments(run)} --recipe my.toml)"
    )


def _changes_to_builtin(recipe: Recipe) -> dict[str, object] | None:
    """Return the settings that differ from the built-in recipe of that name; None if it is not a built-in one."""
    if recipe.name not in BUILTIN:
        return None
    builtin = load_recipe(recipe.name)
    if (recipe.layers, recipe.head) != (builtin.layers, builtin.head):
        return None
    default, current = _flatten(builtin), _flatten(recipe)
    # A table of another type takes the defaults of that type, so every setting in it has to be given.
    replaced_tables = tuple(
        f"{table}."
        for table in ("optimizer", "schedule")
        if default[f"{table}.type"] != current[f"{table}.type"]
    )
    if builtin.augment == "auto":
        # The run's recipe has the chosen augmentation; the training would choose it again.
        current = {key: value for key, value in current.items() if not key.startswith("augment")}
    return {
        key: value
        for key, value in current.items()
        if default.get(key) != value or key.startswith(replaced_tables)
    }


def _flatten(recipe: Recipe) -> dict[str, object]:
    """Return the settings of a recipe by dotted key."""
    flat: dict[str, object] = {}
    for key, value in recipe.model_dump(exclude={"layers", "head", "name", "source"}).items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{name}": setting for name, setting in value.items()})
        else:
            flat[key] = "none" if value is None else value
    return flat


def _source_arguments(run: Run) -> str:
    """Return the source of a run with its options, as command-line arguments."""
    options = run.data.options
    size = f" --size {options.size}" if options.size is not None else ""
    on_bad = f" --on-bad {options.on_bad}" if options.on_bad != "stop" else ""
    return f"{shlex.quote(run.source)}{size}{on_bad}"


def _training_arguments(run: Run) -> str:
    """Return the source of a run and its additional images, as command-line arguments."""
    add = run.data.options.add
    return _source_arguments(run) + ("" if add is None else f" --add {shlex.quote(add)}")


def _load_call(run: Run) -> str:
    """Return the Python expression that loads the data of a run."""
    if run.source == ARRAYS:
        return "data"
    options = {
        key: value for key, value in asdict(run.data.options).items() if value != getattr(Options(), key)
    }
    return f"load({', '.join([repr(run.source), *(f'{key}={value!r}' for key, value in options.items())])})"


def _toml_value(value: object) -> str:
    """Format a value as TOML; a word needs no quotes."""
    return value if isinstance(value, str) else json.dumps(value)
