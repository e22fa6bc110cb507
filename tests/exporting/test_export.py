"""Exporting: where the file goes, and that nothing is there unless it is right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.engine.layers import Dense, Flatten
from optotype.errors import ExportError, RunError
from optotype.exporting import export as home
from optotype.exporting.exported_model import fold_temperature
from optotype.exporting.export import export
from optotype.exporting.formats import FORMATS, Format
from tests.exporting.samples import spoiled, untrained
from tests.models.samples import small_model
from tests.runs.samples import small_run

MODEL = untrained((Flatten(), Dense(8, "tanh")), (5, 4, 1))


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is named, the file lies in the working folder, under the name of the run or model file."""
    run = small_run(tmp_path / "runs" / "seven")
    run.keep(small_model())
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


def test_what_says_other_than_the_model_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong file is refused: what was there before stays as it was, and nothing is left beside it."""
    path = tmp_path / "model.npz"
    path.write_bytes(b"before")
    monkeypatch.setattr(home, "fold_temperature", lambda model: fold_temperature(spoiled(model)))
    with pytest.raises(ExportError, match="Nothing was kept"):
        export(MODEL, "npz", path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_replaces_what_was_there(tmp_path: Path) -> None:
    """Exporting again is no error, and leaves one file for each suffix."""
    for _ in range(2):
        export(MODEL, "c", tmp_path / "model.c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.c", "model.h"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_name_ends_as_the_format_does(tmp_path: Path, name: str) -> None:
    """Software goes by suffixes: another one is refused, naming the right one."""
    with pytest.raises(ExportError, match=f"expected a name that ends in {FORMATS[name].suffixes[0]}"):
        export(MODEL, name, tmp_path / "model.bin")


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    """A folder that is not there is an ExportError with the path."""
    with pytest.raises(ExportError, match=r"Cannot write .*nowhere.model\.npz: No such file"):
        export(MODEL, "npz", tmp_path / "nowhere" / "model.npz")


def test_a_run_without_a_model_is_refused(tmp_path: Path) -> None:
    """A run that kept no model has nothing to export."""
    with pytest.raises(RunError, match="kept no model"):
        export(small_run(tmp_path / "run"), "npz", tmp_path / "model.npz")


def test_the_temperature_is_folded_in() -> None:
    """The last layer of an export gives the logits divided by the model's temperature; nothing else changes."""
    cooled = replace(MODEL)
    object.__setattr__(cooled, "calibration", type("Calibration", (), {"temperature": 2.0}))
    plain, content = fold_temperature(MODEL), fold_temperature(cooled)
    for name, values in plain.layers[-1].weights.items():
        np.testing.assert_allclose(content.layers[-1].weights[name], values / 2, rtol=1e-6)
    for name, values in plain.layers[1].weights.items():
        np.testing.assert_array_equal(content.layers[1].weights[name], values)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packages of a format its export names the command that installs them."""
    for name, packages in (("onnx", ["onnx"]), ("keras", ["keras"])):
        for package in packages:
            monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(ExportError, match=rf"pip install 'optotype\[{name}\]'"):
            export(MODEL, name, tmp_path / f"model.{name}")


def test_formats_are_verified_by_software_that_is_named() -> None:
    """Each format says how its files end and what they are asked by."""
    for each in FORMATS.values():
        assert isinstance(each, Format)
        assert all(suffix.startswith(".") for suffix in each.suffixes)
        assert each.software
