"""ONNX export: inputs, outputs and metadata."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from optotype.engine.layers import Conv2D, Flatten
from optotype.exporting.export import export
from tests.exporting.samples import CLASSES, untrained

MODEL = untrained((Conv2D(3, 2, "relu"), Flatten()), (5, 4, 2))


@pytest.fixture
def session(tmp_path: Path) -> Any:
    """Open an exported file with onnxruntime."""
    path = export(MODEL, "onnx", tmp_path / "model.onnx")
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_input_is_uint8_images(session: Any) -> None:
    """The only input takes uint8 images, channels last, in batches of any size; the outputs have names."""
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["n", 5, 4, 2])
    assert [(output.name, output.shape) for output in session.get_outputs()] == [
        ("probabilities", ["n", 5]),
        ("logits", ["n", 5]),
    ]
    for n in (1, 7):
        images = np.random.default_rng(n).integers(0, 256, (n, 5, 4, 2)).astype(np.uint8)
        probabilities, logits = session.run(None, {"images": images})
        np.testing.assert_allclose(probabilities, MODEL.predict_proba(images), atol=1e-6)
        np.testing.assert_allclose(logits, MODEL.logits(images), atol=1e-5)


def test_metadata_contain_classes_and_recipe(session: Any) -> None:
    """Class names and the recipe's name are metadata in JSON, with any characters."""
    metadata = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(metadata["class_names"])) == CLASSES
    assert json.loads(metadata["recipe"]) == MODEL.recipe.name


def test_export_is_deterministic(tmp_path: Path) -> None:
    """Two exports of the same model have the same bytes."""
    first, second = (export(MODEL, "onnx", tmp_path / name).read_bytes() for name in ("a.onnx", "b.onnx"))
    assert first == second
