"""A model as a .keras file: an ordinary Sequential model, pixels scaled by its first layer, no objects of our own."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.errors import ExportError
from optotype.exporting.content import Content
from optotype.exporting.verification import Answers, Batches

_BACKENDS: Final = ("tensorflow", "jax", "torch")
"""The packages that Keras computes with; the first is its own default."""


def write(content: Content, path: Path) -> None:
    """Write a .keras file, for pixels of 0 .. 255.

    Args:
        content: The model.
        path: Where.

    Raises:
        ExportError: Keras is not installed, or no backend of it is.
        OSError: The file cannot be written.
    """
    keras = _keras()
    scale = [keras.layers.Rescaling(content.scale, dtype="float32")] if content.scale != 1 else []
    layers = [_layer(keras, place, stage.layer) for place, stage in enumerate(content.stages)]
    model = keras.Sequential([keras.Input(content.input_shape), *scale, *layers], name="optotype")
    for layer, stage in zip(layers, content.stages, strict=True):
        layer.set_weights(list(stage.weights.values()))
    model.save(path)


def predict(path: Path, batches: Batches) -> Answers:
    """Ask the file by Keras."""
    model = _keras().saving.load_model(path, compile=False, safe_mode=True)
    for images in batches:
        yield np.asarray(model.predict_on_batch(images))


def _layer(keras: Any, place: int, layer: Layer) -> Any:  # noqa: ANN401 - Keras has no types
    """Make a layer of Keras's, with a name that does not depend on what else was made in this process."""
    settings = {"name": f"{type(layer).__name__.lower()}_{place}", "dtype": "float32"}
    pictures = {**settings, "data_format": "channels_last"}
    make = keras.layers
    match layer:
        case Dense():
            return make.Dense(layer.units, layer.activation, **settings)
        case Conv2D():
            return make.Conv2D(
                layer.filters, layer.window, activation=layer.activation, padding=layer.padding, **pictures
            )
        case MaxPooling2D():
            return make.MaxPooling2D(layer.window, **pictures)
        case Flatten():
            return make.Flatten(**pictures)
        case Dropout():
            return make.Dropout(layer.rate, **settings)
        case BatchNormalization():
            return make.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon, **settings)


def _keras() -> Any:  # noqa: ANN401 - Keras has no types
    """Import Keras, with a backend that is installed: where nobody named one and its default is not there, another."""
    installed = [name for name in _BACKENDS if find_spec(name)]
    try:
        if installed and installed[0] != _BACKENDS[0]:
            os.environ.setdefault("KERAS_BACKEND", installed[0])
        return import_module("keras")
    except ImportError as error:
        raise ExportError(
            f"An export to Keras needs Keras and one of its backends ({', '.join(_BACKENDS)}), expected both to be"
            f" installed: {error}. Install them: pip install 'optotype[keras]'."
        ) from error
