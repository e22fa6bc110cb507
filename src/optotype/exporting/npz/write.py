"""NPZ export: each layer's weights as arrays in Keras's layout, everything else as a JSON text, no pickle."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from optotype.exporting.exported_model import ExportedModel
from optotype.exporting.formats import Format
from optotype.exporting.npz import reader
from optotype.exporting.verification import ImageBatches, ProbabilityBatches

VERSION: Final = 1
"""Version of the JSON text."""


def write(model: ExportedModel, path: Path) -> None:
    """Write an NPZ file: "network" contains the JSON text, "0.kernel" the kernel of layer 0.

    Args:
        model: The model.
        path: The file to write.

    Raises:
        OSError: If the file cannot be written.
    """
    network = {
        "format": VERSION,
        "recipe": model.recipe,
        "class_names": model.class_names,
        "input_shape": model.input_shape,
        "scale": model.scale,
        "layers": [asdict(exported.layer) for exported in model.layers],
    }
    arrays = {
        f"{index}.{name}": values
        for index, exported in enumerate(model.layers)
        for name, values in exported.weights.items()
    }
    np.savez(path, allow_pickle=False, network=np.array(json.dumps(network)), **arrays)


def predict(path: Path, batches: ImageBatches) -> ProbabilityBatches:
    """Yield the file's predictions, computed by the reader that the documentation shows."""
    for images in batches:
        yield reader.predict(path, images)


FORMAT: Final = Format((".npz",), write, predict, "NumPy")
