"""Keras's models as ours: from_keras. Nothing in the file is run or believed: it is descriptions and numbers."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Dense, Flatten, Parameter, describe
from optotype.errors import EngineError, ModelError, RecipeError
from optotype.exporting.keras.hdf5_worker import MOST_BYTES
from optotype.exporting.keras.layers import Network, Read, read_layers
from optotype.exporting.keras.model_file import KerasFile, read
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import Recipe

ImageShape = tuple[int, int, int]

_MOST_ENTRIES: Final = 3_000
_LARGEST_SIDE: Final = 4_096
_MOST_PARAMETERS: Final = MOST_BYTES // 4
_ACCEPTED: Final = (
    "What can be taken over is a Sequential model of Rescaling(1/255), Conv2D (stride 1), MaxPooling2D,"
    " BatchNormalization, Dropout, Flatten, Dense and relu, tanh or sigmoid, which ends in Dense with softmax or in its"
    " logits."
)


def from_keras(
    path: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    pixels: Literal["unit", "raw"] | None = None,
    input_shape: ImageShape | None = None,
) -> Model:
    """Take over the layers and weights of a Keras model, without Keras, and without running anything that is in it.

    Args:
        path: A .keras file, or a legacy .h5 file, of a Sequential model.
        class_names: One name a class; "0", "1" and so on unless given.
        pixels: What the model was trained on: "unit" for pixels in 0..1, "raw" for 0..255. A model that begins with
            Rescaling(1/255) says so itself; any other counts as "raw" unless this is given.
        input_shape: (height, width, channels) of an image, where the model takes flat rows.

    Returns:
        A model that predicts what Keras's does. Where that ends in logits, softmax is added.

    Raises:
        ModelError: The file is missing, damaged or too large, h5py is not installed, or the model has layers or
            settings that ours cannot tell; the message names them all.
    """
    place = Path(path)
    file = read(place)
    try:
        network = read_layers(_entries(place, file.config))
        shape = _image_shape(network, input_shape)
        names = _class_names(network, class_names)
        _check_pixels(network, pixels)
    except RecursionError:
        raise ModelError(
            f"{place} describes its layers too deeply, expected a Keras model. {_ACCEPTED}"
        ) from None
    if network.problems:
        raise ModelError(f"{place} cannot be taken over: {'; '.join(network.problems)}. {_ACCEPTED}")
    try:
        layers = tuple(each.layer for each in network.layers[:-1])
        recipe = Recipe(
            name="from-keras", source="a Keras model", layers=layers, pixels=network.pixels or pixels or "raw"
        )
        weights = _weights(network.layers, shape, file)
        return Model(recipe, shape, names, weights, Provenance(imported_from=place.name))
    except (ModelError, RecipeError, EngineError) as error:
        raise ModelError(f"{place} cannot be taken over. {error}") from None


def _entries(path: Path, config: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Give the list of layers of a Sequential model's description."""
    kind = config.get("class_name") if isinstance(config, dict) else None
    inner = config.get("config") if isinstance(config, dict) else None
    # Keras 2.2 and before keep the list itself.
    entries = inner.get("layers") if isinstance(inner, dict) else inner
    if kind != "Sequential" or not isinstance(entries, list) or len(entries) > _MOST_ENTRIES:
        raise ModelError(
            f"{path} holds a model of the kind {ascii(kind)[:60]}, expected 'Sequential'. {_ACCEPTED}"
        )
    return entries


def _image_shape(network: Network, given: ImageShape | None) -> ImageShape:
    """Say what an image is; a model of flat rows gets a Flatten before it."""
    found = network.shape
    first = network.layers[0].layer if network.layers else None
    if found is not None and len(found) == 2 and isinstance(first, Flatten):
        found = *found, 1
    if found is not None and len(found) == 1 and given is not None and prod(given) == found[0]:
        if not isinstance(first, Flatten):
            network.layers.insert(0, Read(Flatten()))
        found = given
    shape = given if found is None and given is not None else found
    if shape is None or len(shape) != 3 or (given is not None and tuple(given) != shape):
        network.problems.append(
            f"its input has the shape {found}, expected (height, width, channels): say what the images are, as in"
            " from_keras(path, input_shape=(28, 28, 1))"
        )
        return (1, 1, 1)
    if not all(1 <= side <= _LARGEST_SIDE for side in shape):
        network.problems.append(f"its images have the shape {shape}, expected at most {_LARGEST_SIDE} a side")
    return shape[0], shape[1], shape[2]


def _class_names(network: Network, given: Sequence[str] | None) -> tuple[str, ...]:
    """Name the classes, and see that the last layer has one unit for each."""
    head = network.layers[-1].layer if network.layers else None
    if not isinstance(head, Dense) or head.activation not in {"softmax", "linear"} or head.units < 2:
        network.problems.append(
            f"it ends with {head}, expected Dense with softmax or none, and a unit for each class"
        )
        return ()
    if any(
        isinstance(each.layer, Dense) and each.layer.activation == "softmax" for each in network.layers[:-1]
    ):
        network.problems.append("it has softmax before its end, expected it there alone")
    if given is not None and len(given) != head.units:
        network.problems.append(
            f"{len(given)} class names were given, expected {head.units}, one for each unit"
        )
    return tuple(map(str, range(head.units) if given is None else given))


def _check_pixels(network: Network, given: Literal["unit", "raw"] | None) -> None:
    if given is not None and network.pixels not in {None, given}:
        network.problems.append(
            f"pixels={given!r} was given, but its own Rescaling makes them {network.pixels!r}"
        )


def _weights(layers: Sequence[Read], shape: ImageShape, file: KerasFile) -> Mapping[str, NDArray[np.float32]]:
    """Find the weights of each layer under our names for them."""
    rows = describe([each.layer for each in layers], shape)
    if (size := sum(row.size for row in rows)) > _MOST_PARAMETERS:
        raise ModelError(f"Its layers have {size:,} parameters, expected at most {_MOST_PARAMETERS:,}.")
    return {
        f"{place}.{parameter.name}": _weight(each, parameter, file.arrays)
        for place, (each, row) in enumerate(zip(layers, rows, strict=True))
        for parameter in row.parameters
    }


def _weight(
    found: Read, parameter: Parameter, arrays: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Find one weight, by its place in a .keras file, by its name in an .h5 file; make it where the layer has none."""
    if parameter.name not in found.parameters:
        return np.full(parameter.shape, float(parameter.initializer == "ones"), np.float32)
    index = found.parameters.index(parameter.name)
    for root in ("layers", "_layer_checkpoint_dependencies"):
        if (path := f"{root}/{found.group}/vars/{index}") in arrays:
            return arrays[path]
    inside = f"model_weights/{found.name}/"
    for path, values in arrays.items():
        if path.startswith(inside) and path.rsplit("/", 1)[1].split(":")[0] == parameter.name:
            return values
    raise ModelError(
        f"The layer {ascii(found.name)[:60]} has no {parameter.name!r} as a plain array of float32, expected one."
        " Save the model again."
    )
