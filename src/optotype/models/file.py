"""The model file: safetensors, with one JSON text under the metadata key "optotype". No code, no pickle.

A file may come from anybody, so the loader believes nothing: the header's length is looked at before it is read, every
tensor's name, type and shape is compared with what the layers ask for before a byte of it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from optotype.data.writing import write_durably
from optotype.engine.layers import Dense, Layer, describe
from optotype.errors import EngineError, ModelError, RecipeError
from optotype.recipes.recipe import Recipe

FORMAT: Final = 1
"""Version of the metadata; a file with a higher one is refused."""

LARGEST_HEADER: Final = 10_000_000
"""Bytes in the largest header that is read."""

_KEY: Final = "optotype"
_AGAIN: Final = "Copy the file again from where it was saved, or train the model again."

# Bounded so that a picture is never stretched to a size that a file made up.
Side = Annotated[int, Field(ge=1, le=4096, strict=True)]
# Class names reach terminals and pages: a control character could do harm there.
ClassName = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^\P{Cc}*$")]


class Header(BaseModel):
    """What a model file says beside its weights.

    Attributes:
        format: Version of this header.
        layers: The whole network, its head included.
        input_shape: Shape of an image, (height, width, channels).
        pixels: "unit" for a network that takes 0..1, "raw" for 0..255.
        class_names: One name a class.
        recipe: How the model was trained.
        provenance: Its origin, as JSON values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=1001)]
    input_shape: tuple[Side, Side, Side]
    pixels: Literal["unit", "raw"]
    class_names: Annotated[tuple[ClassName, ...], Field(min_length=1)]
    recipe: Recipe
    provenance: dict[str, JsonValue]

    @field_validator("recipe", mode="before")
    @classmethod
    def _kept(cls, value: object) -> object:
        return value if isinstance(value, Recipe) else Recipe.kept(value)


def write(path: Path, header: Header, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a model file in one step.

    Args:
        path: Where.
        header: What the file says beside its weights.
        weights: float32 arrays by name.

    Raises:
        ModelError: The file cannot be written; what was there is untouched.
    """
    tensors = {name: np.ascontiguousarray(weight) for name, weight in weights.items()}
    # Through json rather than pydantic: it can write the name of a file that is not UTF-8.
    content = save(tensors, {_KEY: json.dumps(header.model_dump(), allow_nan=False)})
    try:
        write_durably(path, content)
    except OSError as error:
        raise ModelError(
            f"Cannot write the model file {path}: {error.strerror}. Check the folder, its permissions and the disk."
        ) from None


def read(path: Path) -> tuple[Header, dict[str, NDArray[np.float32]]]:
    """Read a model file that anybody may have made.

    Args:
        path: The file.

    Returns:
        Its header, in itself consistent, and its weights, exactly those that the layers ask for. Their values are
        not looked at.

    Raises:
        ModelError: The file is missing, damaged, inconsistent or newer; the message names it.
    """
    try:
        _check_start(path)
        with safe_open(path, framework="numpy") as opened:
            header = _header(path, (opened.metadata() or {}).get(_KEY))
            _check_tensors(path, header, opened)
            return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"Cannot read the model file {path}: {reason}. Check the path and its permissions."
        ) from None
    except SafetensorError as error:
        raise _damaged(path, f"is no safetensors file ({error})") from None


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"The model file {path} {what}, expected one that optotype saved. {_AGAIN}")


def _check_start(path: Path) -> None:
    """Look at the kind of file and at the length of its header, which safetensors would reserve memory for."""
    if path.exists() and not path.is_file():
        raise _damaged(path, "is not a file")
    with path.open("rb") as file:
        start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > LARGEST_HEADER:
        raise _damaged(
            path, "is no safetensors file" if len(start) < 8 else f"has a header of {length:,} bytes"
        )


def _header(path: Path, text: str | None) -> Header:
    if text is None:
        raise _damaged(path, "is a safetensors file without optotype's metadata")
    try:
        data = json.loads(text)
        version = data.get("format") if isinstance(data, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise ModelError(
                f"The model file {path} has format {version}, expected at most {FORMAT}: it was made by a newer"
                " optotype. Upgrade optotype."
            )
        header = Header.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _damaged(path, f"has metadata in which {where or 'all'} is wrong ({first['msg']})") from None
    except RecipeError as error:
        raise _damaged(path, f"has metadata with a recipe that is none ({error})") from None
    except (ValueError, RecursionError):
        raise _damaged(path, "has metadata that is not JSON") from None
    _check_agreement(path, header)
    return header


def _check_agreement(path: Path, header: Header) -> None:
    head = header.layers[-1]
    classes = len(header.class_names)
    if not isinstance(head, Dense) or head.units != classes:
        raise _damaged(path, f"has {classes} class names but its last layer is {head}")
    if header.layers != header.recipe.network_layers(classes) or header.pixels != header.recipe.pixels:
        raise _damaged(path, "has layers or pixels that are not those of its recipe")


def _check_tensors(path: Path, header: Header, opened: Any) -> None:  # noqa: ANN401 - safetensors gives it no type
    try:
        rows = describe(header.layers, header.input_shape)
    except EngineError as error:
        raise _damaged(path, f"has layers that do not fit together ({error})") from None
    expected = {
        f"{place}.{each.name}": ("F32", list(each.shape))
        for place, row in enumerate(rows)
        for each in row.parameters
    }
    found = {
        name: (opened.get_slice(name).get_dtype(), list(opened.get_slice(name).get_shape()))
        for name in opened.keys()  # noqa: SIM118 - not a mapping
    }
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise _damaged(
                path, f"has the tensor {name!r} as {found.get(name)} instead of {expected.get(name)}"
            )
