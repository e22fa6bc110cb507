"""What is served: a run or a model file, loaded anew each time."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from optotype.engine.layers import Flatten
from optotype.errors import ModelError, RunError
from optotype.runs.run import Run
from optotype.web.served import load_served
from tests.exporting.samples import untrained


def test_a_model_file_of_a_run_stands_for_its_run(run: Run) -> None:
    """The run folder and the model file in it are served alike, with the run's accuracy."""
    folder, file = load_served(run.path), load_served(run.path / "model.safetensors")
    assert folder.fingerprint == file.fingerprint
    assert folder.run == file.run == run.name
    assert folder.accuracy == file.accuracy
    assert folder.accuracy is not None


def test_a_file_that_changed_is_another_model(run: Run, tmp_path: Path) -> None:
    """A model that is saved anew is loaded anew, with another fingerprint."""
    path = tmp_path / "model.safetensors"
    run.model.save(path)
    before = load_served(path)
    replace(run.model, provenance=run.model.provenance.updated(run="another")).save(path)
    after = load_served(path)
    assert before.fingerprint != after.fingerprint
    assert after.model.provenance.run == "another"


def test_a_run_whose_curves_are_damaged_is_served_without_accuracy(run: Run, tmp_path: Path) -> None:
    """What is only told beside the predictions does not keep a model from being served."""
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (copy / "epochs.jsonl").write_text("{}\n")
    assert load_served(copy).accuracy is None


def test_another_model_in_the_folder_has_not_the_run_s_accuracy(run: Run, tmp_path: Path) -> None:
    """Where another run's model took the place of the run's own, nothing is claimed of how often it is right."""
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    assert load_served(copy).accuracy is not None
    path = copy / "model.safetensors"
    replace(run.model, provenance=run.model.provenance.updated(created="2026-01-01T00:00:00+00:00")).save(
        path
    )
    assert load_served(copy).accuracy is None
    replace(run.model, recipe=run.model.recipe.model_copy(update={"seed": 77})).save(path)
    assert load_served(copy).accuracy is None


def test_drawings_are_fitted_for_models_of_digits_only(run: Run, tmp_path: Path) -> None:
    """Ten digits of 28 x 28 x 1 take drawings as MNIST's were; other classes, and other shapes, as they are."""
    letters = tmp_path / "letters.safetensors"
    replace(run.model, class_names=tuple("abcdefghij")).save(letters)
    large = tmp_path / "large.safetensors"
    untrained((Flatten(),), (32, 32, 3)).save(large)
    found = [load_served(path) for path in (run.path, letters, large)]
    assert [each.drawing_fit for each in found] == ["digit", "stretch", "stretch"]
    assert [each.fits for each in found] == [("stretch", "digit"), ("stretch", "digit"), ("stretch",)]


def test_what_is_not_there_or_broken_is_refused(run: Run, tmp_path: Path) -> None:
    """No run, and a model file cut short, are told as everywhere."""
    with pytest.raises(RunError, match="nowhere"):
        load_served(tmp_path / "nowhere")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes((run.path / "model.safetensors").read_bytes()[:-8])
    with pytest.raises(ModelError, match=r"broken\.safetensors"):
        load_served(broken)
