"""Keras export: the file is an ordinary Sequential model."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from optotype.engine.layers import Conv2D, Dense, Dropout, Flatten
from optotype.exporting.export import export
from optotype.recipes.recipe import Recipe
from tests.exporting.samples import untrained

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LAYERS = (Conv2D(3, 2, "relu", padding="same"), Dropout(0.5), Flatten(), Dense(4, "tanh"))


def _names(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def test_file_is_an_ordinary_model(tmp_path: Path) -> None:
    """Keras loads a Sequential model of its own layers for pixels of 0..255 that ends in softmax."""
    model = untrained(LAYERS, (5, 4, 2))
    path = export(model, "keras", tmp_path / "model.keras")
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert type(loaded) is keras.Sequential
    assert _names(loaded) == ["Rescaling", "Conv2D", "Dropout", "Flatten", "Dense", "Dense"]
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 2)).astype(np.uint8)
    for pixels in (images, images.astype(np.float32)):
        np.testing.assert_allclose(loaded.predict(pixels, verbose=0), model.predict_proba(images), atol=1e-6)


def test_raw_pixels_are_not_scaled(tmp_path: Path) -> None:
    """A model of raw pixels has no Rescaling layer."""
    model = untrained(LAYERS, (5, 4, 2), recipe=Recipe(layers=LAYERS, pixels="raw"))
    path = export(model, "keras", tmp_path / "model.keras")
    assert _names(keras.saving.load_model(path))[0] == "Conv2D"


def test_file_contains_only_keras_classes(tmp_path: Path) -> None:
    """Every class in the file is Keras's own, so that any backend loads it without optotype."""
    path = export(untrained(LAYERS, (5, 4, 2)), "keras", tmp_path / "model.keras")
    config = json.loads(zipfile.ZipFile(path).read("config.json"))
    modules: list[object] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            modules.append(value.get("module"))
            assert value.get("registered_name") is None
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(config)
    assert {str(module).split(".")[0] for module in modules if module} == {"keras"}
