"""How runs stand, before and after judging."""

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


def test_a_run_stands_by_what_is_known(run: Run) -> None:
    """Before judging there is only validation; afterwards the test accuracy, and the count of openings by whomever."""
    validation = _share(run.epochs[-1].val_accuracy, 50)
    assert run_accuracy(run) == RunAccuracy(validation, None, 0, "")
    judgement = judge(run)
    assert run_accuracy(run) == RunAccuracy(validation, judgement.score.accuracy, 1, "")
    twin = train(load(run.source), recipe(epochs=1, seed=1), out=run.path.parent / "twin")
    compare(run, twin, on="test")
    assert (run_accuracy(twin).openings, run_accuracy(twin).test) == (2, None)


def test_validation_is_that_of_the_weights_that_were_kept(tmp_path: Path) -> None:
    """Where the best epoch was kept, its accuracy on the watched half counts; and none without validation images."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    stopping = EarlyStopping("val_accuracy", patience=1)
    run = train(data, recipe(epochs=30, validation=100, early_stopping=stopping), out=tmp_path / "stopped")
    best = max(epoch.val_accuracy or 0 for epoch in run.epochs)
    assert run_accuracy(run).validation == _share(best, 50)
    bare = train(data, recipe(epochs=1, validation=0), out=tmp_path / "bare")
    assert run_accuracy(bare).validation is None


def test_an_unfinished_run_stands_by_its_last_epoch(tmp_path: Path) -> None:
    """An interrupted run has the accuracy of the last whole epoch; one without an epoch or a model has none."""
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


def test_a_judgement_of_another_format_counts_as_none(run: Run) -> None:
    """An older judgement gives no test accuracy, and the note says to judge again."""
    (run.path / "judgement.json").write_text(json.dumps({"splits": {}, "opening": 1}))
    found = run_accuracy(run)
    assert found.test is None
    assert "Judge the run again" in found.note


def test_damage_is_an_error(run: Run) -> None:
    """A damaged model, one of another epoch, and a log that cannot be read are errors with the file's name."""
    log = run.path.parent / "test-openings.jsonl"
    log.mkdir()
    with pytest.raises(RunError, match=r"cannot be read from .*test-openings"):
        run_accuracy(run)
    log.rmdir()
    epochs = run.path / "epochs.jsonl"
    lines = epochs.read_text().splitlines(keepends=True)
    epochs.write_text(lines[0] + json.dumps({**json.loads(lines[1]), "val_accuracy": 7}) + "\n")
    with pytest.raises(RunError, match=r"has an accuracy of 7\.0 on 50 validation images"):
        run_accuracy(Run.open(run.path))
    epochs.write_text(lines[0])
    with pytest.raises(RunError, match="of epoch 2, expected 1 to 1"):
        run_accuracy(Run.open(run.path))
    run.model_path.write_bytes(b"none")
    with pytest.raises(ModelError):
        run_accuracy(Run.open(run.path))
