"""A model as NPZ: each layer's weights as arrays in Keras's layout, and the rest as a text of JSON; no pickle."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from optotype.exporting.content import Content
from optotype.exporting.npz import reader
from optotype.exporting.verification import Answers, Batches

FORMAT: Final = 1
"""Version of the JSON."""


def write(content: Content, path: Path) -> None:
    """Write an NPZ file: "network" holds the JSON, "0.kernel" the kernel of layer 0.

    Args:
        content: The model.
        path: Where.

    Raises:
        OSError: It cannot be written.
    """
    network = {
        "format": FORMAT,
        "recipe": content.recipe,
        "class_names": content.class_names,
        "input_shape": content.input_shape,
        "scale": content.scale,
        "layers": [asdict(stage.layer) for stage in content.stages],
    }
    arrays = {
        f"{place}.{name}": values
        for place, stage in enumerate(content.stages)
        for name, values in stage.weights.items()
    }
    np.savez(path, allow_pickle=False, network=np.array(json.dumps(network)), **arrays)


def predict(path: Path, batches: Batches) -> Answers:
    """Ask the file by the reader that the documentation shows."""
    for images in batches:
        yield reader.predict(path, images)
