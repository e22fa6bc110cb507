"""What is wrong with a recipe, in one sentence of our own instead of pydantic's report."""

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
_LONGEST_VALUE: Final = 60
_CHOICES: Final = {
    "validation": "a whole number of images from 0, or a share from 0 to below 1",
    "augment": "a table such as {shift = 2}, 'auto' or 'none'",
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
    "string_type": "a text",
    "string_unicode": "a text",
    "string_pattern_mismatch": "a text of one line, without control characters",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most {max_length} characters",
    "too_long": "at most {max_length} of them",
    "tuple_type": "a list",
    "model_attributes_type": "a table such as {{type = ...}}",
    "dataclass_type": "a table such as {{type = ...}}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
}


def explain(error: ValidationError, data: object, recipe: type[BaseModel]) -> str:
    """Say the first thing that pydantic found wrong: which key, with which value, what was expected.

    Args:
        error: Pydantic's report.
        data: What was validated.
        recipe: The model that it was validated against.

    Returns:
        A sentence or two for a RecipeError.
    """
    first = error.errors(include_url=False)[0]
    path = _path(first, data)
    if not path:
        return (
            f"A recipe is a table of settings, got {_short(first['input'])}. Write 'epochs = 10', one a line."
        )
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return unknown_name("recipe key", path, _known_keys(path, first["loc"], recipe))
        case "union_tag_invalid":
            return unknown_name(f"{path}.type", str(first["ctx"]["tag"]), _types(path))
        case "union_tag_not_found":
            return f"{path!r} has no type. Give one of: {', '.join(sorted(_types(path)))}."
        case "missing":
            return f"The recipe has no {path!r}, and it has no default. Add it."
        case "literal_error" if isinstance(first["input"], str):
            return unknown_name(
                f"value of {path}", first["input"], re.findall(r"'([^']*)'", first["ctx"]["expected"])
            )
    expected = _CHOICES.get(path.rpartition(".")[2]) or _expected(first)
    return f"{path!r} is {_short(first['input'])}, expected {expected}."


def _path(error: ErrorDetails, data: object) -> str:
    """Keep of pydantic's location what the user wrote; the rest names its own union members."""
    parts = []
    at = data
    for part in error["loc"]:
        inside = (isinstance(at, Mapping) and part in at) or (
            isinstance(at, list | tuple) and part in range(len(at))
        )
        if inside:
            at = at[part]  # type: ignore[index]  # just found to be a mapping or a sequence
        if inside or (error["type"] == "missing" and part == error["loc"][-1]):
            parts.append(str(part))
    return ".".join(parts)


def _known_keys(path: str, loc: Sequence[int | str], recipe: type[BaseModel]) -> list[str]:
    table = path.rpartition(".")[0]
    if table:
        top = str(loc[0])
        classes = _classes(_TYPED[top]) if top in _TYPED else _classes(recipe.model_fields[top].annotation)
        named = [each for each in classes if each.__name__ in loc or _tag(each) in loc]
        return [f"{table}.{name}" for each in named or classes for name in _fields(each)]
    # At the top, the keys of the tables are known too: a setting without its table's name is a common slip.
    keys = list(recipe.model_fields)
    for top in keys:
        classes = _classes(_TYPED.get(top, recipe.model_fields[top].annotation)) if top != "layers" else []
        keys = keys + [f"{top}.{name}" for each in classes for name in _fields(each)]
    return list(dict.fromkeys(keys))


def _classes(annotation: Any) -> list[type]:  # noqa: ANN401 - typing has no name for "whatever stands behind a colon"
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return [annotation]
    return [each for argument in get_args(annotation) for each in _classes(argument)]


def _fields(kind: type) -> list[str]:
    return [each.name for each in dataclasses.fields(kind)]


def _tag(kind: type) -> object:
    return next((each.default for each in dataclasses.fields(kind) if each.name == "type"), None)


def _types(path: str) -> list[str]:
    return [str(_tag(each)) for each in _classes(_TYPED[path.partition(".")[0]])]


def _expected(error: ErrorDetails) -> str:
    template = _EXPECTED.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."
