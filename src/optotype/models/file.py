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

from optotype.engine.layers import Dense, Layer, describe
from optotype.errors import EngineError, ModelError, RecipeError
from optotype.models.calibration import Calibration
from optotype.models.golden import MOST, Golden
from optotype.models.novelty import Clusters, NoveltyDetector, appearance_size
from optotype.recipes.recipe import Recipe
from optotype.storage.atomic import write_durably

FORMAT: Final = 2
"""Version of the metadata; a file with a higher one is refused. The first knew no doubts and no golden images."""

Array = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint8]
Arrays = Mapping[str, Array]

LARGEST_HEADER: Final = 10_000_000
"""Bytes in the largest header that is read."""

_KEY: Final = "optotype"
_SCORES: Final = "calibration.scores"
_FAMILIARITY: Final = "familiarity."
_GOLDEN: Final = "golden."
_AGAIN: Final = "Copy the file again from where it was saved, or train the model again."

# Bounded so that a picture is never stretched to a size that a file made up.
Side = Annotated[int, Field(ge=1, le=4096, strict=True)]
Count = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]
# Class names reach terminals and pages: a control character could do harm there.
ClassName = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^\P{Cc}*$")]


class CalibrationHeader(BaseModel):
    """What a model file says of its calibration: the temperature, and how many scores there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float
    n: Count


class NoveltyHeader(BaseModel):
    """What a model file says of what is familiar: numbers, and how many classes and directions there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Count
    rank: Count
    scales: tuple[float, float]
    threshold: float
    rejected: float


class Header(BaseModel):
    """What a model file says beside its arrays.

    Attributes:
        format: Version of this header.
        layers: The whole network, its head included.
        input_shape: Shape of an image, (height, width, channels).
        pixels: "unit" for a network that takes 0..1, "raw" for 0..255.
        class_names: One name a class.
        recipe: How the model was trained.
        provenance: Its origin, as JSON values.
        calibration: Of its calibration; None where it has none.
        familiarity: Of what is familiar to it; None where it cannot tell.
        golden: How many golden images there are; None where there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1, 2] = FORMAT
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=1001)]
    input_shape: tuple[Side, Side, Side]
    pixels: Literal["unit", "raw"]
    class_names: Annotated[tuple[ClassName, ...], Field(min_length=1)]
    recipe: Recipe
    provenance: dict[str, JsonValue]
    calibration: CalibrationHeader | None = None
    familiarity: NoveltyHeader | None = None
    golden: Annotated[int, Field(ge=1, le=MOST, strict=True)] | None = None

    @field_validator("recipe", mode="before")
    @classmethod
    def _kept(cls, value: object) -> object:
        return value if isinstance(value, Recipe) else Recipe.from_saved(value)


def calibration_header(calibration: Calibration | None) -> CalibrationHeader | None:
    """Give what a header says of a calibration."""
    if calibration is None:
        return None
    return CalibrationHeader(temperature=calibration.temperature, n=calibration.n)


def novelty_header(familiarity: NoveltyDetector | None) -> NoveltyHeader | None:
    """Give what a header says of what is familiar."""
    if familiarity is None:
        return None
    return NoveltyHeader(
        classes=len(familiarity.features.means),
        rank=familiarity.directions.shape[1],
        scales=familiarity.scales,
        threshold=familiarity.threshold,
        rejected=familiarity.rejected,
    )


def arrays_of(
    weights: Mapping[str, NDArray[np.float32]],
    calibration: Calibration | None,
    familiarity: NoveltyDetector | None,
    golden: Golden | None,
) -> Arrays:
    """Give all arrays of a model by their names in the file."""
    arrays: dict[str, Array] = dict(weights)
    if calibration is not None:
        arrays[_SCORES] = calibration.scores
    if familiarity is not None:
        arrays |= {_FAMILIARITY + name: array for name, array in familiarity.tensors().items()}
    if golden is not None:
        arrays |= {_GOLDEN + "images": golden.images, _GOLDEN + "logits": golden.logits}
    return arrays


def weights_of(arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """Give the weights among the arrays of a file."""
    return {
        name: array.astype(np.float32, copy=False)
        for name, array in arrays.items()
        if name != _SCORES and not name.startswith((_FAMILIARITY, _GOLDEN))
    }


def calibration_of(header: Header, arrays: Arrays) -> Calibration | None:
    """Give the calibration that a file holds, if any; ModelError where its numbers are none."""
    if header.calibration is None:
        return None
    return Calibration(header.calibration.temperature, arrays[_SCORES].astype(np.float64, copy=False))


def novelty_of(header: Header, arrays: Arrays) -> NoveltyDetector | None:
    """Give what a file says is familiar, if anything; ModelError where its numbers are none."""
    says = header.familiarity
    if says is None:
        return None

    def array(name: str) -> NDArray[np.float32]:
        return arrays[_FAMILIARITY + name].astype(np.float32, copy=False)

    return NoveltyDetector(
        array("center"),
        array("directions"),
        Clusters(array("features.means"), array("features.whitening")),
        Clusters(array("appearance.means"), array("appearance.whitening")),
        says.scales,
        says.threshold,
        says.rejected,
    )


def golden_of(header: Header, arrays: Arrays) -> Golden | None:
    """Give the golden images that a file holds, if any; ModelError where a logit is not finite."""
    if header.golden is None:
        return None
    images, logits = arrays[_GOLDEN + "images"], arrays[_GOLDEN + "logits"]
    return Golden(images.astype(np.uint8, copy=False), logits.astype(np.float32, copy=False))


def write(path: Path, header: Header, arrays: Arrays) -> None:
    """Write a model file in one step.

    Args:
        path: Where.
        header: What the file says beside its arrays.
        arrays: Those that the header asks for, by name.

    Raises:
        ModelError: The file cannot be written; what was there is untouched.
    """
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # Through json rather than pydantic: it can write the name of a file that is not UTF-8.
    content = save(tensors, {_KEY: json.dumps(header.model_dump(), allow_nan=False)})
    try:
        write_durably(path, content)
    except OSError as error:
        raise ModelError(
            f"Cannot write the model file {path}: {error.strerror}. Check the folder, its permissions and the disk."
        ) from None


def read(path: Path) -> tuple[Header, Arrays]:
    """Read a model file that anybody may have made.

    Args:
        path: The file.

    Returns:
        Its header, in itself consistent, and its arrays, exactly those that the header asks for: the layers' weights
        by their names, and those of "calibration", "familiarity" and "golden" after these words. Their values are
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
    if header.format == 1 and (header.calibration or header.familiarity or header.golden):
        raise _damaged(path, "has format 1 but more than that format knows")
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
    } | _beside_weights(header, rows[-1].input_shape[0])
    found = {
        name: (opened.get_slice(name).get_dtype(), list(opened.get_slice(name).get_shape()))
        for name in opened.keys()  # noqa: SIM118 - not a mapping
    }
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise _damaged(
                path, f"has the tensor {name!r} as {found.get(name)} instead of {expected.get(name)}"
            )


def _beside_weights(header: Header, features: int) -> dict[str, tuple[str, list[int]]]:
    """Give the types and shapes of the arrays beside the weights."""
    expected: dict[str, tuple[str, list[int]]] = {}
    if header.calibration is not None:
        expected[_SCORES] = ("F64", [header.calibration.n])
    if header.familiarity is not None:
        classes, rank = header.familiarity.classes, header.familiarity.rank
        seen = appearance_size(header.input_shape[2])
        shapes = {
            "center": [features],
            "directions": [features, rank],
            "features.means": [classes, rank + 1],
            "features.whitening": [rank + 1, rank + 1],
            "appearance.means": [classes, seen],
            "appearance.whitening": [seen, seen],
        }
        expected |= {_FAMILIARITY + name: ("F32", shape) for name, shape in shapes.items()}
    if header.golden is not None:
        expected[_GOLDEN + "images"] = ("U8", [header.golden, *header.input_shape])
        expected[_GOLDEN + "logits"] = ("F32", [header.golden, len(header.class_names)])
    return expected
