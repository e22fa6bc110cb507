"""Loading of the model to serve, from a run folder or a model file."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from optotype.engine.layers import Flatten
from optotype.errors import ModelError, RunError
from optotype.runs.run import Run
from optotype.web.served_model import load_served_model
from tests.exporting.samples import untrained


def test_model_file_in_a_run_folder_is_served_like_its_run(run: Run) -> None:
    """A run folder and the model file in it give the same fingerprint, run name and accuracy."""
    folder, file = load_served_model(run.path), load_served_model(run.path / "model.safetensors")
    assert folder.fingerprint == file.fingerprint
    assert folder.run == file.run == run.name
    assert folder.accuracy == file.accuracy
    assert folder.accuracy is not None


def test_changed_file_has_another_fingerprint(run: Run, tmp_path: Path) -> None:
    """A model file that is saved again is loaded again, with another fingerprint."""
    path = tmp_path / "model.safetensors"
    run.model.save(path)
    before = load_served_model(path)
    replace(run.model, provenance=run.model.provenance.updated(run="another")).save(path)
    after = load_served_model(path)
    assert before.fingerprint != after.fingerprint
    assert after.model.provenance.run == "another"


def test_run_with_damaged_history_is_served_without_accuracy(run: Run, tmp_path: Path) -> None:
    """A damaged training history does not prevent serving; the accuracy is then unknown."""
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (copy / "epochs.jsonl").write_text("{}\n")
    assert load_served_model(copy).accuracy is None


def test_model_of_another_run_has_no_accuracy(run: Run, tmp_path: Path) -> None:
    """If another run's model replaced the run's own model file, the run's accuracy does not apply to it."""
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    assert load_served_model(copy).accuracy is not None
    path = copy / "model.safetensors"
    replace(run.model, provenance=run.model.provenance.updated(created="2026-01-01T00:00:00+00:00")).save(
        path
    )
    assert load_served_model(copy).accuracy is None
    replace(run.model, recipe=run.model.recipe.model_copy(update={"seed": 77})).save(path)
    assert load_served_model(copy).accuracy is None


def test_drawings_are_fitted_as_digits_for_digit_models_only(run: Run, tmp_path: Path) -> None:
    """Drawings get MNIST's preprocessing for ten digits of 28 x 28 x 1, not for other classes or input shapes."""
    letters = tmp_path / "letters.safetensors"
    replace(run.model, class_names=tuple("abcdefghij")).save(letters)
    large = tmp_path / "large.safetensors"
    untrained((Flatten(),), (32, 32, 3)).save(large)
    models = [load_served_model(path) for path in (run.path, letters, large)]
    assert [model.drawing_fit for model in models] == ["digit", "stretch", "stretch"]
    assert [model.fits for model in models] == [("stretch", "digit"), ("stretch", "digit"), ("stretch",)]


def test_missing_and_truncated_targets_are_rejected(run: Run, tmp_path: Path) -> None:
    """A missing target raises RunError, a truncated model file ModelError; both name the path."""
    with pytest.raises(RunError, match="nowhere"):
        load_served_model(tmp_path / "nowhere")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes((run.path / "model.safetensors").read_bytes()[:-8])
    with pytest.raises(ModelError, match=r"broken\.safetensors"):
        load_served_model(broken)
