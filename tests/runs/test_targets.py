"""TARGET: runs, models and their paths are resolved the same way for every command."""

from pathlib import Path

import numpy as np
import pytest

from optotype.errors import ModelError, RunError
from optotype.models.model import Model
from optotype.runs.run import Run
from optotype.runs.targets import open_target
from tests.models.samples import small_model
from tests.runs.samples import small_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Create a run with a model in the folder "here/run"."""
    run = small_run(tmp_path / "here" / "run")
    run.save_model(small_model())
    return run


@pytest.mark.parametrize("path", ["", "model.safetensors"])
def test_run_folder_and_its_model_file(run: Run, path: str) -> None:
    """The folder of a run and the model file in it are the same target, as str and as Path."""
    for target in (open_target(run.path / path), open_target(str(run.path / path))):
        assert target.run is not None
        assert target.run.path == run.path
        assert (target.name, target.model_path) == ("run", run.model_path)
        assert target.runs_root == run.path.parent
        np.testing.assert_array_equal(target.model.weights["2.kernel"], run.model.weights["2.kernel"])


def test_opened_run_and_target(run: Run) -> None:
    """A run keeps its identity, and an opened target is returned as it is."""
    target = open_target(run)
    assert target.run is run
    assert target.model is run.model
    assert open_target(target) is target


@pytest.mark.parametrize(
    ("file", "name"), [("best.safetensors", "best"), ("model.safetensors", "alone"), ("best", "best")]
)
def test_model_file_outside_a_run(tmp_path: Path, file: str, name: str) -> None:
    """A model file outside a run has no run; a file called model.safetensors is named after its folder."""
    path = tmp_path / "alone" / file
    path.parent.mkdir()
    small_model().save(path)
    target = open_target(path)
    assert (target.run, target.model_path, target.name) == (None, path, name)
    assert target.runs_root == Path("runs")
    assert target.model is target.model
    assert target.model.class_names == small_model().class_names


def test_model_in_memory() -> None:
    """A model in memory has neither run nor path."""
    model = small_model()
    target = open_target(model)
    assert target.model is model
    assert (target.run, target.model_path, target.name) == (None, None, "model")


def test_model_file_of_a_damaged_run(run: Run) -> None:
    """The model file of a folder whose run.json is damaged is a model without a run."""
    (run.path / "run.json").write_text("[]")
    assert open_target(run.model_path).run is None
    with pytest.raises(RunError, match=r"run\.json"):
        open_target(run.path)


def test_origin_of_an_unfinished_run(run: Run) -> None:
    """The origin of an unfinished run raises a RunError, and that of a model without provenance a ModelError."""
    with pytest.raises(RunError, match="expected a finished run"):
        open_target(run).origin()
    with pytest.raises(ModelError, match="provenance does not name its data"):
        open_target(small_model()).origin()
    run.close("finished")
    origin = open_target(run).origin()
    assert (origin.data, origin.split, origin.name) == (run.data, run.split.fingerprint, "run")


def test_errors(run: Run, tmp_path: Path) -> None:
    """Missing paths, other folders and other types raise a RunError; other files a ModelError when they are read."""
    with pytest.raises(RunError, match=r"There is no .*missing, expected a run folder or a model file"):
        open_target(tmp_path / "missing")
    with pytest.raises(RunError, match=r"has no run\.json, expected a run folder"):
        open_target(tmp_path)
    with pytest.raises(RunError, match="Cannot open"):
        open_target("x" * 300)
    with pytest.raises(RunError, match="type int"):
        open_target(3)
    target = open_target(run.path / "run.json")
    with pytest.raises(ModelError, match=r"run\.json"):
        _ = target.model


def test_run_without_a_model(tmp_path: Path) -> None:
    """A run that has saved no model is a target whose model raises a RunError."""
    target = open_target(small_run(tmp_path / "run"))
    with pytest.raises(RunError, match="has no model"):
        _ = target.model
    assert isinstance(small_model(), Model)
