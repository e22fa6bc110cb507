"""Predictions on disk: read as they were written, or refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from optotype.errors import RunError
from optotype.runs.predictions import Predictions, read_predictions, write_predictions

WHOLE = {
    "indices": np.array([0, 2, 5]),
    "labels": np.array([0, 1, 1]),
    "logits": np.arange(6, dtype=np.float32).reshape(3, 2),
    "distances": np.ones(3, np.float32),
}


@pytest.mark.parametrize("without", [None, "distances"])
def test_they_are_read_as_they_were_written(tmp_path: Path, without: str | None) -> None:
    """Every array comes back bit for bit; distances may be missing."""
    arrays = {name: array for name, array in WHOLE.items() if name != without}
    write_predictions(tmp_path / "test.safetensors", Predictions(**arrays))
    found = {
        name: each
        for name, each in vars(read_predictions(tmp_path / "test.safetensors")).items()
        if each is not None
    }
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


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
        {name: array[:0] for name, array in WHOLE.items()},
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    tmp_path: Path, changed: dict[str, NDArray[np.generic]]
) -> None:
    """A file in which one array has another shape, type or range is damaged, and the message names it."""
    (tmp_path / "test.safetensors").write_bytes(save({**WHOLE, **changed}))
    with pytest.raises(RunError, match=r"test\.safetensors holds"):
        read_predictions(tmp_path / "test.safetensors")


def test_types_that_numpy_lacks_are_refused(tmp_path: Path) -> None:
    """A file of bfloat16 is damaged."""
    header = json.dumps({"labels": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "test.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(RunError, match="holds no predictions"):
        read_predictions(tmp_path / "test.safetensors")
