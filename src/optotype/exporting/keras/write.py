"""Keras export: a Sequential model of Keras's own layers, whose first layer scales the pixels."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.errors import ExportError
from optotype.exporting.exported_model import ExportedModel
from optotype.exporting.formats import Format
from optotype.exporting.verification import ImageBatches, ProbabilityBatches

_BACKENDS: Final = ("tensorflow", "jax", "torch")
"""Packages that Keras computes with; the first one is Keras's default."""


def write(model: ExportedModel, path: Path) -> None:
    """Write a .keras file for pixels of 0 to 255.

    Args:
        model: The model.
        path: The file to write.

    Raises:
        ExportError: If Keras or its backend is not installed.
        OSError: If the file cannot be written.
    """
    keras = _import_keras()
    rescaling = [keras.layers.Rescaling(model.scale, dtype="float32")] if model.scale != 1 else []
    layers = [_keras_layer(keras, index, exported.layer) for index, exported in enumerate(model.layers)]
    sequential = keras.Sequential([keras.Input(model.input_shape), *rescaling, *layers], name="optotype")
    for layer, exported in zip(layers, model.layers, strict=True):
        layer.set_weights(list(exported.weights.values()))
    sequential.save(path)


def predict(path: Path, batches: ImageBatches) -> ProbabilityBatches:
    """Yield the file's predictions, computed by Keras."""
    model = _import_keras().saving.load_model(path, compile=False, safe_mode=True)
    for images in batches:
        yield np.asarray(model.predict_on_batch(images))


FORMAT: Final = Format((".keras",), write, predict, "Keras")


def _keras_layer(keras: Any, index: int, layer: Layer) -> Any:  # noqa: ANN401 - Keras has no types
    """Return a Keras layer with a fixed name: Keras's default names depend on what the process created before."""
    settings = {"name": f"{type(layer).__name__.lower()}_{index}", "dtype": "float32"}
    image_settings = {**settings, "data_format": "channels_last"}
    layers = keras.layers
    match layer:
        case Dense():
            return layers.Dense(layer.units, layer.activation, **settings)
        case Conv2D():
            return layers.Conv2D(
                layer.filters,
                layer.window,
                activation=layer.activation,
                padding=layer.padding,
                **image_settings,
            )
        case MaxPooling2D():
            return layers.MaxPooling2D(layer.window, **image_settings)
        case Flatten():
            return layers.Flatten(**image_settings)
        case Dropout():
            return layers.Dropout(layer.rate, **settings)
        case BatchNormalization():
            return layers.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon, **settings)


def _import_keras() -> Any:  # noqa: ANN401 - Keras has no types
    """Import Keras with an installed backend: if none is chosen and the default one is missing, with another."""
    installed = [name for name in _BACKENDS if find_spec(name)]
    try:
        if installed and installed[0] != _BACKENDS[0]:
            os.environ.setdefault("KERAS_BACKEND", installed[0])
        return import_module("keras")
    except ImportError as error:
        raise ExportError(
            f"Cannot export to Keras: {error}. Expected Keras and one of its backends ({', '.join(_BACKENDS)}) to be"
            " installed. Install them: pip install 'optotype[keras]'."
        ) from error
