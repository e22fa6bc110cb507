"""Error messages for recipes: one sentence on the first problem, instead of pydantic's report."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from optotype.engine.layers import Layer
from optotype.engine.optimizers import Optimizer
from optotype.engine.schedules import Schedule
from optotype.errors import unknown_name

_TYPED: Final = {"layers": Layer, "optimizer": Optimizer, "schedule": Schedule}
_MAX_VALUE_LENGTH: Final = 60
_CHOICES: Final = {
    "validation": "a whole number of images of at least 0, or a share from 0 to below 1",
    "augment": "a table, for example {shift = 2}, or 'auto' or 'none'",
    "kernel_size": "a whole number from 1 to 128, or a list of two",
    "pool_size": "a whole number from 1 to 128, or a list of two",
}
_EXPECTED: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a string",
    "string_unicode": "a string",
    "string_pattern_mismatch": "a string of one line, without control characters",
    "string_too_short": "a string that is not empty",
    "string_too_long": "a string of at most {max_length} characters",
    "too_long": "at most {max_length} items",
    "tuple_type": "a list",
    "model_attributes_type": "a table, for example {{type = ...}}",
    "dataclass_type": "a table, for example {{type = ...}}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
}


def explain(error: ValidationError, data: object, recipe: type[BaseModel]) -> str:
    """Return a message on the first problem that pydantic found: key, value, and what was expected.

    Args:
        error: Pydantic's report.
        data: The validated data.
        recipe: The model class.

    Returns:
        A sentence or two for a RecipeError.
    """
    first = error.errors(include_url=False)[0]
    path = _path(first, data)
    if not path:
        return (
            f"The recipe is {_short(first['input'])}, expected a table of settings."
            " Write one setting per line, for example 'epochs = 10'."
        )
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return unknown_name("recipe key", path, _known_keys(path, first["loc"], recipe))
        case "union_tag_invalid":
            return unknown_name(f"{path}.type", str(first["ctx"]["tag"]), _types(path))
        case "union_tag_not_found":
            return f"{path!r} has no type. Use one of: {', '.join(sorted(_types(path)))}."
        case "missing":
            return f"The recipe has no {path!r}, which has no default. Add it."
        case "literal_error" if isinstance(first["input"], str):
            return unknown_name(
                f"value of {path}", first["input"], re.findall(r"'([^']*)'", first["ctx"]["expected"])
            )
    expected = _CHOICES.get(path.rpartition(".")[2]) or _expected(first)
    return f"{path!r} is {_short(first['input'])}, expected {expected}."


def _path(error: ErrorDetails, data: object) -> str:
    """Return the keys of pydantic's location that the user wrote; pydantic adds names of union members."""
    parts = []
    value = data
    for part in error["loc"]:
        is_inside = (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list | tuple) and part in range(len(value))
        )
        if is_inside:
            value = value[part]  # type: ignore[index]  # a mapping or a sequence
        if is_inside or (error["type"] == "missing" and part == error["loc"][-1]):
            parts.append(str(part))
    return ".".join(parts)


def _known_keys(path: str, loc: Sequence[int | str], recipe: type[BaseModel]) -> list[str]:
    table = path.rpartition(".")[0]
    if table:
        top = str(loc[0])
        classes = _classes(_TYPED[top]) if top in _TYPED else _classes(recipe.model_fields[top].annotation)
        matching = [kind for kind in classes if kind.__name__ in loc or _tag(kind) in loc]
        return [f"{table}.{name}" for kind in matching or classes for name in _fields(kind)]
    # At the top level, the keys of tables are candidates too: leaving out the table's name is a common mistake.
    keys = list(recipe.model_fields)
    for top in keys:
        classes = _classes(_TYPED.get(top, recipe.model_fields[top].annotation)) if top != "layers" else []
        keys = keys + [f"{top}.{name}" for kind in classes for name in _fields(kind)]
    return list(dict.fromkeys(keys))


def _classes(annotation: Any) -> list[type]:  # noqa: ANN401 - typing has no type for annotations
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return [annotation]
    return [kind for argument in get_args(annotation) for kind in _classes(argument)]


def _fields(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _tag(kind: type) -> object:
    return next((field.default for field in dataclasses.fields(kind) if field.name == "type"), None)


def _types(path: str) -> list[str]:
    return [str(_tag(kind)) for kind in _classes(_TYPED[path.partition(".")[0]])]


def _expected(error: ErrorDetails) -> str:
    template = _EXPECTED.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "..."
