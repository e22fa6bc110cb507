"""Settings changed by key: dotted names and text from a command line, laid over a recipe's tables."""

import dataclasses
import tomllib
from collections.abc import Mapping
from typing import Final

from optotype.errors import RecipeError

_WORDS: Final = ("name", "source")


def apply(recipe: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Lay changes over a recipe's data; whether the result is a recipe is for Recipe to say.

    Args:
        recipe: The recipe as plain data.
        changes: From a key, dotted for one in a table, to a value or its TOML text.

    Returns:
        The changed data; ``recipe`` itself is left as it was.

    Raises:
        RecipeError: A key is empty, too deep, or one of the layers.
    """
    data = dict(recipe)
    # Whole tables and types come first: they reset what the other changes are then laid over.
    for key in sorted(changes, key=_resets, reverse=True):
        table, _, name = _known_depth(key).partition(".")
        value = _value(key, changes[key])
        if not name:
            data[table] = value
        elif name == "type":
            data[table] = {"type": value}
        else:
            data[table] = {**_table(data.get(table), key), name: value}
    return data


def _resets(key: str) -> bool:
    return "." not in key or key.endswith(".type")


def _known_depth(key: str) -> str:
    parts = key.split(".")
    if parts[0] == "layers":
        raise RecipeError(f"{key!r} cannot be set on its own: layers are changed in a recipe file.")
    if not all(parts) or len(parts) > 2:
        raise RecipeError(
            f"{key!r} is not a recipe key, expected one like 'epochs' or 'optimizer.learning_rate'."
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
        read = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value
    # A text with line breaks may hold more than one value; then it is just text.
    one = read["value"] if len(read) == 1 else value
    return value if key in _WORDS and not isinstance(one, str) else one
