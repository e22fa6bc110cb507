"""The accuracy of runs before and after judging."""

import json
import shutil
from pathlib import Path

import pytest

from optotype.comparing.compare import compare
from optotype.data.load import load
from optotype.errors import ModelError, RunError
from optotype.judging.judge import judge
from optotype.judging.run_accuracy import RunAccuracy, run_accuracy
from optotype.metrics import Estimate, proportion
from optotype.recipes.recipe import EarlyStopping
from optotype.runs.run import Run
from optotype.training.loop import Progress
from optotype.training.train import train
from tests.training.samples import recipe, write_folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Train a run."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    return train(data, recipe(epochs=2), out=tmp_path / "runs" / "run")


def _share(accuracy: float | None, n: int) -> Estimate:
    return proportion(round((accuracy or 0) * n), n)


def test_accuracy_before_and_after_judging(run: Run) -> None:
    """Test accuracy is None before judging; openings by any command are counted."""
    validation = _share(run.epochs[-1].val_accuracy, 50)
    assert run_accuracy(run) == RunAccuracy(validation, None, 0, "")
    judgement = judge(run)
    assert run_accuracy(run) == RunAccuracy(validation, judgement.score.accuracy, 1, "")
    twin = train(load(run.source), recipe(epochs=1, seed=1), out=run.path.parent / "twin")
    compare(run, twin, on="test")
    assert (run_accuracy(twin).openings, run_accuracy(twin).test) == (2, None)


def test_validation_accuracy_belongs_to_the_saved_weights(tmp_path: Path) -> None:
    """It is the best epoch's accuracy on the monitored half; None without validation images."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    stopping = EarlyStopping("val_accuracy", patience=1)
    run = train(data, recipe(epochs=30, validation=100, early_stopping=stopping), out=tmp_path / "stopped")
    best = max(epoch.val_accuracy or 0 for epoch in run.epochs)
    assert run_accuracy(run).validation == _share(best, 50)
    bare = train(data, recipe(epochs=1, validation=0), out=tmp_path / "bare")
    assert run_accuracy(bare).validation is None


def test_an_unfinished_run_has_the_accuracy_of_its_last_epoch(tmp_path: Path) -> None:
    """An interrupted run has the accuracy of its last complete epoch; None without an epoch or a model."""
    data = load(write_folder(tmp_path / "digits", 200, 60))

    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, recipe(), out=tmp_path / "run", report=stop)
    run = Run.open(tmp_path / "run")
    assert run_accuracy(run).validation == _share(run.epochs[0].val_accuracy, 50)
    shutil.copytree(run.path, tmp_path / "killed")
    (tmp_path / "killed" / "model.safetensors").unlink()
    assert run_accuracy(Run.open(tmp_path / "killed")).validation is None
    (run.path / "epochs.jsonl").unlink()
    assert run_accuracy(Run.open(run.path)).validation is None


def test_a_judgement_of_format_1_gives_no_test_accuracy(run: Run) -> None:
    """A judgement without a format number gives no test accuracy, and the note says to judge again."""
    (run.path / "judgement.json").write_text(json.dumps({"splits": {}, "opening": 1}))
    accuracy = run_accuracy(run)
    assert accuracy.test is None
    assert "Judge the run again" in accuracy.note


def test_damaged_files_raise_errors(run: Run) -> None:
    """A damaged model, a model from another epoch, and an unreadable log raise errors that name the file or value."""
    log = run.path.parent / "test-openings.jsonl"
    log.mkdir()
    with pytest.raises(RunError, match="test-openings"):
        run_accuracy(run)
    log.rmdir()
    epochs = run.path / "epochs.jsonl"
    lines = epochs.read_text().splitlines(keepends=True)
    epochs.write_text(lines[0] + json.dumps({**json.loads(lines[1]), "val_accuracy": 7}) + "\n")
    with pytest.raises(RunError, match=r"accuracy of 7\.0 on 50 validation images"):
        run_accuracy(Run.open(run.path))
    epochs.write_text(lines[0])
    with pytest.raises(RunError, match="epoch 2, expected 1 to 1"):
        run_accuracy(Run.open(run.path))
    run.model_path.write_bytes(b"none")
    with pytest.raises(ModelError):
        run_accuracy(Run.open(run.path))
