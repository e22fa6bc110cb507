"""Export: paths of the files, and that only verified files are saved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.engine.layers import Dense, Flatten
from optotype.errors import ExportError, RunError
from optotype.exporting import export as export_module
from optotype.exporting.export import export
from optotype.exporting.exported_model import fold_temperature
from optotype.exporting.formats import FORMATS, find_format
from tests.exporting.samples import altered, untrained
from tests.models.samples import small_model
from tests.runs.samples import small_run

MODEL = untrained((Flatten(), Dense(8, "tanh")), (5, 4, 1))


def test_default_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the file is in the current folder and has the name of the run or model file."""
    run = small_run(tmp_path / "runs" / "seven")
    run.save_model(small_model())
    MODEL.save(tmp_path / "runs" / "other.safetensors")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    targets = (
        (run, "seven"),
        ("../runs/seven", "seven"),
        ("../runs/seven/model.safetensors", "seven"),
        (tmp_path / "runs" / "other.safetensors", "other"),
        (MODEL, "model"),
    )
    for target, name in targets:
        path = export(target, "npz")
        assert path == Path(f"{name}.npz")
        path.unlink()
    assert list(Path().iterdir()) == []


def test_wrong_file_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the predictions differ, an existing file stays unchanged and no draft is left."""
    path = tmp_path / "model.npz"
    path.write_bytes(b"before")
    monkeypatch.setattr(export_module, "fold_temperature", lambda model: fold_temperature(altered(model)))
    with pytest.raises(ExportError, match="Nothing was saved"):
        export(MODEL, "npz", path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_export_replaces_existing_files(tmp_path: Path) -> None:
    """A second export succeeds and leaves one file per suffix."""
    for _ in range(2):
        export(MODEL, "c", tmp_path / "model.c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.c", "model.h"]


@pytest.mark.parametrize("name", FORMATS)
def test_wrong_suffix_is_an_error(tmp_path: Path, name: str) -> None:
    """Software recognizes files by their suffix: a wrong one is an error that names the right one."""
    with pytest.raises(ExportError, match=f"expected a name that ends in {find_format(name).suffixes[0]}"):
        export(MODEL, name, tmp_path / "model.bin")


def test_unwritable_path_is_an_error(tmp_path: Path) -> None:
    """A missing folder is an ExportError with the path."""
    with pytest.raises(ExportError, match=r"nowhere.model\.npz: No such file"):
        export(MODEL, "npz", tmp_path / "nowhere" / "model.npz")


def test_run_without_a_model_is_an_error(tmp_path: Path) -> None:
    """A run without a model cannot be exported."""
    with pytest.raises(RunError, match="no model"):
        export(small_run(tmp_path / "run"), "npz", tmp_path / "model.npz")


def test_temperature_is_folded_into_the_last_layer() -> None:
    """The last layer's weights are divided by the model's temperature; all other weights are unchanged."""
    calibrated = replace(MODEL)
    object.__setattr__(calibrated, "calibration", type("Calibration", (), {"temperature": 2.0}))
    plain, folded = fold_temperature(MODEL), fold_temperature(calibrated)
    for name, values in plain.layers[-1].weights.items():
        np.testing.assert_allclose(folded.layers[-1].weights[name], values / 2, rtol=1e-6)
    for name, values in plain.layers[1].weights.items():
        np.testing.assert_array_equal(folded.layers[1].weights[name], values)


def test_missing_package_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a format's packages are missing, the message names the command that installs them."""
    for name, packages in (("onnx", ["onnx"]), ("keras", ["keras"])):
        for package in packages:
            monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(ExportError, match=rf"pip install 'optotype\[{name}\]'"):
            export(MODEL, name, tmp_path / f"model.{name}")


def test_every_format_has_suffixes_and_software() -> None:
    """Each format names the suffixes of its files and the software that verifies them."""
    for name in FORMATS:
        chosen = find_format(name)
        assert all(suffix.startswith(".") for suffix in chosen.suffixes)
        assert chosen.software
