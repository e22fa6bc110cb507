"""What to try next, as it would be typed."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict

from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.dataset import Options
from optotype.recipes.builtin import BUILTIN, load_recipe
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run


def train_again(run: Run, changes: Mapping[str, object]) -> str:
    """Write the command that trains as a run did, but for some changes.

    Args:
        run: Which run.
        changes: From a key, dotted for one in a table, to its new value.

    Returns:
        A shell command where the recipe is a built-in one, with its own changes; else a line of Python.
    """
    own = _changes(run.recipe)
    if own is None or run.source == ARRAYS:
        return f"train({_loaded(run)}, run.recipe.override({dict(changes)!r}))"
    settings = [f"--set {shlex.quote(f'{key}={_value(value)}')}" for key, value in {**own, **changes}.items()]
    return " ".join(["optotype train", _training(run), "--recipe", run.recipe.name, *settings])


def examine_data(run: Run) -> str:
    """Write the command that looks for trouble in a run's data."""
    return f"check({_loaded(run)})" if run.source == ARRAYS else f"optotype data {_source(run)} --check"


def judge_on_more(run: Run) -> str:
    """Write the command that judges a run on other pictures."""
    return f"optotype judge {shlex.quote(str(run.path))} --data MORE"


def edit_recipe(run: Run, what: str) -> str:
    """Write how to train with other layers: the recipe as a file, edited by hand."""
    if _changes(run.recipe) is None or run.source == ARRAYS:
        return f"{what} in the recipe's layers, and train again"
    name = run.recipe.name
    return (
        f"write the recipe into a file (optotype recipes {name} > my.toml), {what} there,"
        f" and train with it (optotype train {_training(run)} --recipe my.toml)"
    )


def _changes(recipe: Recipe) -> dict[str, object] | None:
    """List what was changed in a built-in recipe, by key; None where it is no built-in one."""
    if recipe.name not in BUILTIN:
        return None
    builtin = load_recipe(recipe.name)
    if (recipe.layers, recipe.head) != (builtin.layers, builtin.head):
        return None
    before, after = _flat(builtin), _flat(recipe)
    # A table of another type takes that type's defaults, so every setting in it is said.
    other = tuple(
        f"{table}."
        for table in ("optimizer", "schedule")
        if before[f"{table}.type"] != after[f"{table}.type"]
    )
    if builtin.augment == "auto":  # the run's recipe says what was chosen, and it would be chosen again
        after = {key: value for key, value in after.items() if not key.startswith("augment")}
    return {key: value for key, value in after.items() if before.get(key) != value or key.startswith(other)}


def _flat(recipe: Recipe) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in recipe.model_dump(exclude={"layers", "head", "name", "source"}).items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{name}": each for name, each in value.items()})
        else:
            flat[key] = "none" if value is None else value
    return flat


def _source(run: Run) -> str:
    options = run.data.options
    size = f" --size {options.size}" if options.size is not None else ""
    bad = f" --on-bad {options.on_bad}" if options.on_bad != "stop" else ""
    return f"{shlex.quote(run.source)}{size}{bad}"


def _training(run: Run) -> str:
    """Write what a run was trained on: its source, and what was added to that."""
    add = run.data.options.add
    return _source(run) + ("" if add is None else f" --add {shlex.quote(add)}")


def _loaded(run: Run) -> str:
    if run.source == ARRAYS:
        return "data"
    told = {key: value for key, value in asdict(run.data.options).items() if value != getattr(Options(), key)}
    return f"load({', '.join([repr(run.source), *(f'{key}={value!r}' for key, value in told.items())])})"


def _value(value: object) -> str:
    """Write a value as TOML has it; a word needs no quotes."""
    return value if isinstance(value, str) else json.dumps(value)
