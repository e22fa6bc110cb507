"""The model file: safetensors, with one JSON text under the metadata key "optotype". No code, no pickle.

A file may come from an untrusted source, so the loader checks everything first: the header's length before the header
is read, and every tensor's name, type and shape before its bytes are read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from optotype.engine.layers import Dense, Layer, describe
from optotype.errors import EngineError, ModelError, RecipeError
from optotype.models.calibration import Calibration
from optotype.models.file_upgrade import upgrade_array_name, upgrade_header
from optotype.models.golden import MAX_IMAGES, GoldenImages
from optotype.models.novelty import Clusters, NoveltyDetector, appearance_size
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import Recipe
from optotype.storage.atomic import write_durably

FORMAT: Final = 3
"""Version of the metadata; a file with a higher one is refused. Format 1 had no uncertainty and no golden images."""

Array = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint8]
Arrays = Mapping[str, Array]

MAX_HEADER_BYTES: Final = 10_000_000
"""Maximum size of a header in bytes."""

_KEY: Final = "optotype"
_SCORES: Final = "calibration.scores"
_NOVELTY: Final = "novelty."
_GOLDEN: Final = "golden."

# Limited so that an image is never resized to a size that a hostile file invented.
Side = Annotated[int, Field(ge=1, le=4096, strict=True)]
Count = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]
# Class names are printed to terminals and pages, where a control character could do harm.
ClassName = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^\P{Cc}*$")]


class CalibrationHeader(BaseModel):
    """A model file's header of its calibration: the temperature, and the number of scores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float
    n: Count


class NoveltyHeader(BaseModel):
    """A model file's header of its novelty detector: its numbers, and the sizes of its arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Count
    rank: Count
    scales: tuple[float, float]
    threshold: float
    rate: float


class Header(BaseModel):
    """The metadata of a model file.

    Attributes:
        format: Version of this header.
        layers: The whole network, with its head.
        input_shape: Shape of an image, (height, width, channels).
        pixels: "unit" for a network that takes 0..1, "raw" for 0..255.
        class_names: One name per class.
        recipe: The recipe that the model was trained with.
        provenance: The origin of the model.
        calibration: Header of the calibration; None without one.
        novelty: Header of the novelty detector; None without one.
        golden: Number of golden images; None without any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1, 2, 3] = FORMAT
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=1001)]
    input_shape: tuple[Side, Side, Side]
    pixels: Literal["unit", "raw"]
    class_names: Annotated[tuple[ClassName, ...], Field(min_length=1)]
    recipe: Recipe
    provenance: Provenance
    calibration: CalibrationHeader | None = None
    novelty: NoveltyHeader | None = None
    golden: Annotated[int, Field(ge=1, le=MAX_IMAGES, strict=True)] | None = None

    @field_validator("recipe", mode="before")
    @classmethod
    def _parse_saved_recipe(cls, value: object) -> object:
        return value if isinstance(value, Recipe) else Recipe.from_saved(value)


def calibration_header(calibration: Calibration | None) -> CalibrationHeader | None:
    """Return the header of a calibration."""
    if calibration is None:
        return None
    return CalibrationHeader(temperature=calibration.temperature, n=calibration.n)


def novelty_header(novelty: NoveltyDetector | None) -> NoveltyHeader | None:
    """Return the header of a novelty detector."""
    if novelty is None:
        return None
    return NoveltyHeader(
        classes=len(novelty.features.means),
        rank=novelty.directions.shape[1],
        scales=novelty.scales,
        threshold=novelty.threshold,
        rate=novelty.rate,
    )


def pack_arrays(
    weights: Mapping[str, NDArray[np.float32]],
    calibration: Calibration | None,
    novelty: NoveltyDetector | None,
    golden: GoldenImages | None,
) -> Arrays:
    """Return all arrays of a model by their names in the file."""
    arrays: dict[str, Array] = dict(weights)
    if calibration is not None:
        arrays[_SCORES] = calibration.scores
    if novelty is not None:
        arrays |= {_NOVELTY + name: array for name, array in novelty.tensors().items()}
    if golden is not None:
        arrays |= {_GOLDEN + "images": golden.images, _GOLDEN + "logits": golden.logits}
    return arrays


def unpack_weights(arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """Return the weights among the arrays of a file."""
    return {
        name: array.astype(np.float32, copy=False)
        for name, array in arrays.items()
        if name != _SCORES and not name.startswith((_NOVELTY, _GOLDEN))
    }


def unpack_calibration(header: Header, arrays: Arrays) -> Calibration | None:
    """Return the calibration of a file, if it has one; ModelError if its numbers are not valid."""
    if header.calibration is None:
        return None
    return Calibration(header.calibration.temperature, arrays[_SCORES].astype(np.float64, copy=False))


def unpack_novelty(header: Header, arrays: Arrays) -> NoveltyDetector | None:
    """Return the novelty detector of a file, if it has one; ModelError if its numbers are not valid."""
    novelty = header.novelty
    if novelty is None:
        return None

    def array(name: str) -> NDArray[np.float32]:
        return arrays[_NOVELTY + name].astype(np.float32, copy=False)

    return NoveltyDetector(
        array("center"),
        array("directions"),
        Clusters(array("features.means"), array("features.whitening")),
        Clusters(array("appearance.means"), array("appearance.whitening")),
        novelty.scales,
        novelty.threshold,
        novelty.rate,
    )


def unpack_golden(header: Header, arrays: Arrays) -> GoldenImages | None:
    """Return the golden images of a file, if it has any; ModelError if a logit is not finite."""
    if header.golden is None:
        return None
    images, logits = arrays[_GOLDEN + "images"], arrays[_GOLDEN + "logits"]
    return GoldenImages(images.astype(np.uint8, copy=False), logits.astype(np.float32, copy=False))


def write(path: Path, header: Header, arrays: Arrays) -> None:
    """Write a model file in one step.

    Args:
        path: The file.
        header: Its metadata.
        arrays: The arrays that the header describes, by name.

    Raises:
        ModelError: If the file cannot be written; an existing file is then unchanged.
    """
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {**header.model_dump(), "provenance": header.provenance.to_json()}
    # json instead of pydantic's writer, because json can write file names that are not UTF-8.
    content = save(tensors, {_KEY: json.dumps(metadata, allow_nan=False)})
    try:
        write_durably(path, content)
    except OSError as error:
        raise ModelError(
            f"Cannot write the model file {path}: {error.strerror}. Check the folder, its permissions and the disk."
        ) from None


def read(path: Path) -> tuple[Header, Arrays]:
    """Read a model file from an untrusted source.

    Args:
        path: The file.

    Returns:
        Its header, which is consistent in itself, and its arrays, exactly those that the header describes: the layers'
        weights by their names, and the arrays whose names begin with "calibration", "novelty" and "golden". Their
        values are not checked. The names are those of the newest format.

    Raises:
        ModelError: If the file is missing, damaged, inconsistent or newer; the message names it.
    """
    try:
        _check_start(path)
        with safe_open(path, framework="numpy") as opened:
            header = _read_header(path, (opened.metadata() or {}).get(_KEY))
            _check_tensors(path, header, opened)
            return header, {
                upgrade_array_name(name, header.format): opened.get_tensor(name)
                for name in opened.keys()  # noqa: SIM118 - not a mapping
            }
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"Cannot read the model file {path}: {reason}. Check the path and its permissions."
        ) from None
    except SafetensorError as error:
        raise _damaged_file_error(path, f"is not a safetensors file ({error})") from None


def _damaged_file_error(path: Path, problem: str) -> ModelError:
    return ModelError(
        f"The model file {path} {problem}, expected a file that optotype saved. Copy the file again from where it was"
        " saved, or train the model again."
    )


def _check_start(path: Path) -> None:
    """Check the kind of file and the length of its header, because safetensors would allocate memory for it."""
    if path.exists() and not path.is_file():
        raise _damaged_file_error(path, "is not a regular file")
    with path.open("rb") as file:
        start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8:
        raise _damaged_file_error(path, "is not a safetensors file")
    if length > MAX_HEADER_BYTES:
        raise _damaged_file_error(path, f"has a header of {length:,} bytes")


def _read_header(path: Path, text: str | None) -> Header:
    if text is None:
        raise _damaged_file_error(path, "is a safetensors file without optotype's metadata")
    try:
        values = json.loads(text)
        version = values.get("format") if isinstance(values, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise ModelError(
                f"The model file {path} has format {version}, expected at most {FORMAT}: a newer optotype wrote it."
                " Upgrade optotype."
            )
        header = Header.model_validate(upgrade_header(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the whole"
        raise _damaged_file_error(path, f"has wrong metadata for {key} ({first['msg']})") from None
    except RecipeError as error:
        raise _damaged_file_error(path, f"has metadata with an invalid recipe ({error})") from None
    except (ValueError, RecursionError):
        raise _damaged_file_error(path, "has metadata that is not JSON") from None
    _check_agreement(path, header)
    return header


def _check_agreement(path: Path, header: Header) -> None:
    head = header.layers[-1]
    classes = len(header.class_names)
    if not isinstance(head, Dense) or head.units != classes:
        raise _damaged_file_error(path, f"has {classes} class names but its last layer is {head}")
    if header.format == 1 and (header.calibration or header.novelty or header.golden):
        raise _damaged_file_error(path, "has format 1 but parts that only newer formats have")
    if header.layers != header.recipe.network_layers(classes) or header.pixels != header.recipe.pixels:
        raise _damaged_file_error(path, "has other layers or pixels than its recipe")


def _check_tensors(path: Path, header: Header, opened: Any) -> None:  # noqa: ANN401 - safetensors has no type for it
    try:
        rows = describe(header.layers, header.input_shape)
    except EngineError as error:
        raise _damaged_file_error(path, f"has layers that do not fit together ({error})") from None
    expected = {
        f"{index}.{parameter.name}": ("F32", list(parameter.shape))
        for index, row in enumerate(rows)
        for parameter in row.parameters
    } | _expected_extra_arrays(header, rows[-1].input_shape[0])
    actual = {
        upgrade_array_name(name, header.format): (
            opened.get_slice(name).get_dtype(),
            list(opened.get_slice(name).get_shape()),
        )
        for name in opened.keys()  # noqa: SIM118 - not a mapping
    }
    for name in sorted(expected.keys() | actual.keys()):
        if expected.get(name) != actual.get(name):
            raise _damaged_file_error(
                path, f"has the tensor {name!r} as {actual.get(name)} instead of {expected.get(name)}"
            )


def _expected_extra_arrays(header: Header, features: int) -> dict[str, tuple[str, list[int]]]:
    """Return the types and shapes of the arrays that are not weights."""
    expected: dict[str, tuple[str, list[int]]] = {}
    if header.calibration is not None:
        expected[_SCORES] = ("F64", [header.calibration.n])
    if header.novelty is not None:
        classes, rank = header.novelty.classes, header.novelty.rank
        size = appearance_size(header.input_shape[2])
        shapes = {
            "center": [features],
            "directions": [features, rank],
            "features.means": [classes, rank + 1],
            "features.whitening": [rank + 1, rank + 1],
            "appearance.means": [classes, size],
            "appearance.whitening": [size, size],
        }
        expected |= {_NOVELTY + name: ("F32", shape) for name, shape in shapes.items()}
    if header.golden is not None:
        expected[_GOLDEN + "images"] = ("U8", [header.golden, *header.input_shape])
        expected[_GOLDEN + "logits"] = ("F32", [header.golden, len(header.class_names)])
    return expected
