"""NPZ export: the reader in the documentation is sufficient to use the file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from optotype.exporting.export import export
from optotype.exporting.npz import reader
from optotype.exporting.verification import synthetic_images
from tests.exporting.samples import CLASSES, untrained

LAYERS = (
    Conv2D(4, (2, 3), "tanh", padding="same"),
    BatchNormalization(),
    MaxPooling2D((1, 2)),
    Dropout(0.5),
    Flatten(),
    Dense(7, "sigmoid"),
)
MODEL = untrained(LAYERS, (7, 6, 2))
DOCUMENT = Path(__file__).parents[3] / "docs" / "exports.md"


def test_documentation_shows_the_reader() -> None:
    """The example in docs/exports.md is the module that verifies exports, except for its docstring."""
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    source = Path(reader.__file__).read_text(encoding="utf-8")
    assert source.split("\n\n", 1)[1] in examples


def test_example_needs_only_numpy(tmp_path: Path) -> None:
    """In a process without optotype, the documentation's example computes the model's probabilities."""
    export(MODEL, "npz", tmp_path / "model.npz")
    images = synthetic_images(MODEL.input_shape)
    np.save(tmp_path / "images.npy", images)
    text = DOCUMENT.read_text(encoding="utf-8")
    (example,) = (
        code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def predict(" in code
    )
    ending = (
        "\nimport sys\n"
        "np.save('probabilities.npy', predict('model.npz', np.load('images.npy')))\n"
        "assert not any(name.startswith('optotype') for name in sys.modules)\n"
    )
    (tmp_path / "example.py").write_text(example + ending, encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", "example.py"], cwd=tmp_path, check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "probabilities.npy"), MODEL.predict_proba(images), atol=1e-6
    )


def test_content(tmp_path: Path) -> None:
    """Weights are arrays with the model's names; everything else is one JSON text."""
    with np.load(export(MODEL, "npz", tmp_path / "model.npz"), allow_pickle=False) as file:
        arrays = dict(file)
    network = json.loads(str(arrays.pop("network")))
    assert arrays.keys() == MODEL.weights.keys()
    for name, values in MODEL.weights.items():
        np.testing.assert_array_equal(arrays[name], values)
    assert tuple(network["class_names"]) == CLASSES
    assert (network["format"], network["scale"], network["input_shape"]) == (1, 1 / 255, [7, 6, 2])
    assert [layer["type"] for layer in network["layers"]] == [layer.type for layer in MODEL.layers]
