"""Files of predictions: a round trip, and the refusal of damaged files."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from optotype.errors import RunError
from optotype.runs.predictions import Predictions, read_predictions, write_predictions

COMPLETE = {
    "indices": np.array([0, 2, 5]),
    "labels": np.array([0, 1, 1]),
    "logits": np.arange(6, dtype=np.float32).reshape(3, 2),
    "distances": np.ones(3, np.float32),
}


@pytest.mark.parametrize("without", [None, "distances"])
def test_round_trip(tmp_path: Path, without: str | None) -> None:
    """Every array is read as it was written, bit for bit; distances may be missing."""
    arrays = {name: array for name, array in COMPLETE.items() if name != without}
    write_predictions(tmp_path / "test.safetensors", Predictions(**arrays))
    predictions = read_predictions(tmp_path / "test.safetensors")
    loaded = {name: array for name, array in vars(predictions).items() if array is not None}
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array, strict=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": np.array([0, 1])},
        {"labels": np.array([0, 1, 2])},
        {"labels": np.array([0, 1, -1])},
        {"labels": np.zeros(3, np.float32)},
        {"indices": np.zeros((3, 1), np.int64)},
        {"logits": np.zeros((3, 0), np.float32)},
        {"logits": np.zeros(3, np.float32)},
        {"logits": np.zeros((3, 2))},
        {"distances": np.ones(2, np.float32)},
        {"more": np.ones(3)},
        {name: array[:0] for name, array in COMPLETE.items()},
    ],
)
def test_inconsistent_arrays(tmp_path: Path, changed: dict[str, NDArray[np.generic]]) -> None:
    """A file in which an array has another shape, dtype or range raises a RunError that names the file."""
    (tmp_path / "test.safetensors").write_bytes(save({**COMPLETE, **changed}))
    with pytest.raises(RunError, match=r"test\.safetensors has"):
        read_predictions(tmp_path / "test.safetensors")


def test_dtype_that_numpy_lacks(tmp_path: Path) -> None:
    """A file with bfloat16 raises a RunError."""
    header = json.dumps({"labels": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "test.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(RunError, match="has no valid predictions"):
        read_predictions(tmp_path / "test.safetensors")
