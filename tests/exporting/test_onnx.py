"""ONNX: what the file says of itself, and its logits."""

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
    """Open an export with onnxruntime."""
    path = export(MODEL, "onnx", tmp_path / "model.onnx")
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_images_go_in_as_they_are(session: Any) -> None:
    """The one input takes uint8 images, channels last, in batches of any size; the outputs are named."""
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["n", 5, 4, 2])
    assert [(each.name, each.shape) for each in session.get_outputs()] == [
        ("probabilities", ["n", 5]),
        ("logits", ["n", 5]),
    ]
    for n in (1, 7):
        images = np.random.default_rng(n).integers(0, 256, (n, 5, 4, 2)).astype(np.uint8)
        probabilities, logits = session.run(None, {"images": images})
        np.testing.assert_allclose(probabilities, MODEL.predict_proba(images), atol=1e-6)
        np.testing.assert_allclose(logits, MODEL.logits(images), atol=1e-5)


def test_the_metadata_name_classes_and_recipe(session: Any) -> None:
    """Class names and the recipe's name are metadata, as JSON, whatever characters they hold."""
    told = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(told["class_names"])) == CLASSES
    assert json.loads(told["recipe"]) == MODEL.recipe.name


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    """An export is deterministic."""
    first, second = (export(MODEL, "onnx", tmp_path / name).read_bytes() for name in ("a.onnx", "b.onnx"))
    assert first == second
