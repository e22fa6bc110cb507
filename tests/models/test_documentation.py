"""docs/model-file.md: its description matches model files, and its example reads one."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D
from optotype.exporting.npz import reader
from optotype.models.file import Header
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.training.train import train
from tests.models.samples import complete_model
from tests.training.samples import dataset, recipe

TEXT = (Path(__file__).parents[2] / "docs" / "model-file.md").read_text(encoding="utf-8")
LAYERS = (
    Conv2D(3, 3, "relu", padding="same"),
    MaxPooling2D(4),
    Flatten(),
    BatchNormalization(),
    Dense(9, "tanh"),
)


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With safetensors and NumPy alone, the example reproduces golden logits and the model's probabilities."""
    chosen = recipe(validation=200).model_copy(update={"layers": LAYERS})
    model = Model.load(train(dataset(600), chosen, out=tmp_path).model_path)
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {"apply": reader.apply, "activate": reader.activate}
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(example, "model-file.md", "exec"), names)  # noqa: S102 - the example is ours
    assert model.golden is not None
    assert model.calibration is not None
    expected = model.predict_proba(model.golden.images)
    np.testing.assert_allclose(np.asarray(names["probabilities"]), expected, atol=1e-5)
    assert output.getvalue() == f"{model.class_names[expected[0].argmax()]}\n"


def test_bytes(tmp_path: Path) -> None:
    """The documented steps read a file: the header's length, the header, and each array at its offsets."""
    model = complete_model()
    model.save(tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    metadata = json.loads(header.pop("__metadata__")["optotype"])
    assert metadata["format"] == 3
    start, stop = header["2.kernel"]["data_offsets"]
    kernel = np.frombuffer(content[end + start : end + stop], "<f4").reshape(header["2.kernel"]["shape"])
    np.testing.assert_array_equal(kernel, model.weights["2.kernel"])
    for name in header:
        is_described = f"`{name}`" in TEXT or f"`.{name.rpartition('.')[2]}`" in TEXT or name[0].isdigit()
        assert is_described, name


def test_every_key_is_described() -> None:
    """Each key of the metadata has a row in the table."""
    for key in Header.model_fields:
        assert f"\n| `{key}` |" in TEXT


def test_every_value_of_the_provenance_is_described() -> None:
    """Every value of a provenance is in the table of its keys."""
    for key in Provenance.model_fields:
        assert f"`{key}`" in TEXT, key
