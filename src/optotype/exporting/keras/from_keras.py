"""Import Keras models: from_keras. The file is read as data; nothing in it is run or trusted."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Dense, Flatten, Parameter, describe
from optotype.errors import EngineError, ModelError, RecipeError
from optotype.exporting.keras.hdf5_worker import MAX_BYTES
from optotype.exporting.keras.layers import TranslatedLayer, TranslatedNetwork, translate_layers
from optotype.exporting.keras.model_file import KerasFile, read
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import Recipe

ImageShape = tuple[int, int, int]

_MAX_ENTRIES: Final = 3_000
_MAX_SIDE: Final = 4_096
_MAX_PARAMETERS: Final = MAX_BYTES // 4
_SUPPORTED: Final = (
    "Supported are Sequential models of Rescaling(1/255), Conv2D (stride 1), MaxPooling2D, BatchNormalization, Dropout,"
    " Flatten, Dense and relu, tanh or sigmoid activations that end in Dense with softmax or in its logits."
)


def from_keras(
    path: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    pixels: Literal["unit", "raw"] | None = None,
    input_shape: ImageShape | None = None,
) -> Model:
    """Import the layers and weights of a Keras model, without Keras and without running code in the file.

    Args:
        path: A .keras file, or a legacy .h5 file, of a Sequential model.
        class_names: One name per class. Default: "0", "1" and so on.
        pixels: The range of pixels that the model was trained on: "unit" for 0..1, "raw" for 0..255. It is known for a
            model that begins with Rescaling(1/255); the default for all others is "raw".
        input_shape: (height, width, channels) of an image, required if the model takes flat rows.

    Returns:
        A model with the predictions of the Keras model. If that ends in logits, softmax is added.

    Raises:
        ModelError: If the file is missing, damaged or too large, h5py is not installed, or the model has layers or
            settings that optotype does not have; the message lists all of them.
    """
    keras_path = Path(path)
    file = read(keras_path)
    try:
        network = translate_layers(_entries(keras_path, file.config))
        shape = _image_shape(network, input_shape)
        names = _class_names(network, class_names)
        _check_pixels(network, pixels)
    except RecursionError:
        raise ModelError(
            f"Cannot import {keras_path}: its description of the layers is nested too deeply. {_SUPPORTED}"
        ) from None
    if network.problems:
        raise ModelError(f"Cannot import {keras_path}: {'; '.join(network.problems)}. {_SUPPORTED}")
    try:
        layers = tuple(translated.layer for translated in network.layers[:-1])
        recipe = Recipe(
            name="from-keras", source="a Keras model", layers=layers, pixels=network.pixels or pixels or "raw"
        )
        weights = _weights(network.layers, shape, file)
        return Model(recipe, shape, names, weights, Provenance(imported_from=keras_path.name))
    except (ModelError, RecipeError, EngineError) as error:
        raise ModelError(f"Cannot import {keras_path}: {error}") from None


def _entries(path: Path, config: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Return the layers in the description of a Sequential model."""
    class_name = config.get("class_name") if isinstance(config, dict) else None
    settings = config.get("config") if isinstance(config, dict) else None
    # In files of Keras 2.2 and older the settings are the list of layers itself.
    entries = settings.get("layers") if isinstance(settings, dict) else settings
    if class_name != "Sequential" or not isinstance(entries, list) or len(entries) > _MAX_ENTRIES:
        raise ModelError(
            f"Cannot import {path}: its model is of the class {ascii(class_name)[:60]}, expected 'Sequential'."
            f" {_SUPPORTED}"
        )
    return entries


def _image_shape(network: TranslatedNetwork, requested: ImageShape | None) -> ImageShape:
    """Return the shape of an image; a Flatten layer is added in front of a model of flat rows."""
    declared = network.shape
    first = network.layers[0].layer if network.layers else None
    if declared is not None and len(declared) == 2 and isinstance(first, Flatten):
        declared = *declared, 1
    is_flat = declared is not None and len(declared) == 1
    if declared is not None and is_flat and requested is not None and prod(requested) == declared[0]:
        if not isinstance(first, Flatten):
            network.layers.insert(0, TranslatedLayer(Flatten()))
        declared = requested
    shape = requested if declared is None and requested is not None else declared
    if shape is None or len(shape) != 3 or (requested is not None and tuple(requested) != shape):
        network.problems.append(
            f"its input has the shape {declared}, expected (height, width, channels): pass the shape of an image, as in"
            " from_keras(path, input_shape=(28, 28, 1))"
        )
        return (1, 1, 1)
    if not all(1 <= side <= _MAX_SIDE for side in shape):
        network.problems.append(
            f"its images have the shape {shape}, expected at most {_MAX_SIDE} pixels per side"
        )
    return shape[0], shape[1], shape[2]


def _class_names(network: TranslatedNetwork, requested: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the classes, after checking that the last layer has one unit per class."""
    head = network.layers[-1].layer if network.layers else None
    if not isinstance(head, Dense) or head.activation not in {"softmax", "linear"} or head.units < 2:
        network.problems.append(
            f"its last layer is {head}, expected Dense with softmax or without activation and one unit per class"
        )
        return ()
    inner = [translated.layer for translated in network.layers[:-1]]
    if any(isinstance(layer, Dense) and layer.activation == "softmax" for layer in inner):
        network.problems.append("it has softmax before the last layer, expected it only there")
    if requested is not None and len(requested) != head.units:
        network.problems.append(
            f"it has {head.units} units in its last layer, but {len(requested)} class names"
        )
    return tuple(map(str, range(head.units) if requested is None else requested))


def _check_pixels(network: TranslatedNetwork, requested: Literal["unit", "raw"] | None) -> None:
    if requested is not None and network.pixels not in {None, requested}:
        network.problems.append(
            f"pixels={requested!r} contradicts its Rescaling layer, which means {network.pixels!r}"
        )


def _weights(
    layers: Sequence[TranslatedLayer], shape: ImageShape, file: KerasFile
) -> Mapping[str, NDArray[np.float32]]:
    """Return the weights of all layers by optotype's names."""
    rows = describe([translated.layer for translated in layers], shape)
    if (size := sum(row.size for row in rows)) > _MAX_PARAMETERS:
        raise ModelError(f"Its layers have {size:,} parameters, expected at most {_MAX_PARAMETERS:,}.")
    return {
        f"{index}.{parameter.name}": _weight(translated, parameter, file.arrays)
        for index, (translated, row) in enumerate(zip(layers, rows, strict=True))
        for parameter in row.parameters
    }


def _weight(
    translated: TranslatedLayer, parameter: Parameter, arrays: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Find a weight by its index in a .keras file or its name in an .h5 file; fill it if the layer has none."""
    if parameter.name not in translated.parameters:
        return np.full(parameter.shape, float(parameter.initializer == "ones"), np.float32)
    index = translated.parameters.index(parameter.name)
    for root in ("layers", "_layer_checkpoint_dependencies"):
        if (path := f"{root}/{translated.group}/vars/{index}") in arrays:
            return arrays[path]
    prefix = f"model_weights/{translated.name}/"
    for path, values in arrays.items():
        if path.startswith(prefix) and path.rsplit("/", 1)[1].split(":")[0] == parameter.name:
            return values
    raise ModelError(
        f"The layer {ascii(translated.name)[:60]} has no {parameter.name!r} as a plain array of float32."
        " Save the model again."
    )
