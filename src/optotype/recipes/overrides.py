"""Overrides: settings of a recipe that are changed by key, as on the command line."""

import dataclasses
import tomllib
from collections.abc import Mapping
from typing import Final

from optotype.errors import RecipeError

_STRING_KEYS: Final = ("name", "source")


def apply(recipe: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Apply changes to a recipe's values; the result is not validated.

    Args:
        recipe: The recipe as a dictionary.
        changes: Values, or their TOML text, by key; the key of a setting in a table is dotted.

    Returns:
        The changed values; ``recipe`` itself is not changed.

    Raises:
        RecipeError: If a key is empty, too deep, or a layer.
    """
    values = dict(recipe)
    # Whole tables and types come first, because they reset the settings that other changes then modify.
    for key in sorted(changes, key=_resets, reverse=True):
        table, _, name = _check_depth(key).partition(".")
        value = _value(key, changes[key])
        if not name:
            values[table] = value
        elif name == "type":
            values[table] = {"type": value}
        else:
            values[table] = {**_table(values.get(table), key), name: value}
    return values


def _resets(key: str) -> bool:
    return "." not in key or key.endswith(".type")


def _check_depth(key: str) -> str:
    parts = key.split(".")
    if parts[0] == "layers":
        raise RecipeError(f"{key!r} cannot be overridden: change layers in a recipe file.")
    if not all(parts) or len(parts) > 2:
        raise RecipeError(
            f"{key!r} is not a recipe key, expected a key like 'epochs' or 'optimizer.learning_rate'. Check the name."
        )
    return key


def _table(value: object, key: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if not isinstance(value, Mapping):
        table = key.partition(".")[0]
        raise RecipeError(f"{key!r} is not a recipe key: {table!r} is a single value. Set {table!r} itself.")
    return value


def _value(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        parsed = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value
    # A string with line breaks may contain more than one value; then it is used as a string.
    toml_value = parsed["value"] if len(parsed) == 1 else value
    return value if key in _STRING_KEYS and not isinstance(toml_value, str) else toml_value
