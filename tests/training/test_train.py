"""Training to a run folder: its contents after completion, early stopping, divergence and interruption."""

from pathlib import Path

import numpy as np
import pytest

from optotype.engine.network import Network
from optotype.engine.optimizers import SGD, Adam
from optotype.engine.processor import available_isas
from optotype.errors import DataError, DivergedError, EngineError, RecipeError, RunError
from optotype.recipes.recipe import EarlyStopping
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run
from optotype.training import loop
from optotype.training.loop import Progress
from optotype.training.train import train
from tests.training.samples import dataset, recipe


def _weights(run: Run) -> dict[str, bytes]:
    return {name: weight.tobytes() for name, weight in run.model.weights.items()}


def test_a_finished_run_is_complete(tmp_path: Path) -> None:
    """After training, the folder has the model, curves, a record per epoch and the status; the model has learned."""
    small = recipe(epochs=8, optimizer=Adam(0.003))
    train(dataset(), small, out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status == "finished"
    assert run.recipe == small
    assert [epoch.epoch for epoch in run.epochs] == list(range(1, 9))
    assert run.epochs[-1].loss < run.epochs[0].loss
    assert run.epochs[-1].val_accuracy == 1
    for name in ("loss.png", "accuracy.png"):
        assert (run.path / name).read_bytes().startswith(b"\x89PNG")
    provenance = run.model.provenance
    assert provenance.run == "run"
    assert provenance.status == "finished"
    assert provenance.epoch == 8
    assert provenance.split == run.split.fingerprint
    assert run.environment.threads is not None


def test_curves_can_be_switched_off(tmp_path: Path) -> None:
    """With curves=False the run has no curves, and is otherwise the same."""
    run = train(dataset(), recipe(epochs=1), out=tmp_path / "run", curves=False)
    assert run.status == "finished"
    assert not list(run.path.glob("*.png"))


@pytest.mark.parametrize("isa", available_isas())
def test_a_run_records_its_precision(isa: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe keeps "auto"; the environment of run and model has the precision in use on this machine."""
    monkeypatch.setenv("OPTOTYPE_ISA", isa)
    run = train(dataset(), recipe(epochs=1), out=tmp_path / "run")
    used = {"isa": isa, "precision": "bf16" if isa == "amx" else "fp32"}
    assert run.recipe.precision == "auto"
    assert used.items() <= run.environment.model_dump().items()
    assert run.model.provenance.environment == run.environment


def test_a_recipe_determines_its_precision(tmp_path: Path) -> None:
    """With precision="fp32" a recipe gets fp32 on every machine."""
    run = train(dataset(), recipe(epochs=1).override({"precision": "fp32"}), out=tmp_path / "run")
    assert run.environment.precision == "fp32"
    assert run.environment.isa != "amx"


def test_unsupported_bf16_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe with bf16 is rejected on another instruction set before a run folder is created."""
    monkeypatch.setenv("OPTOTYPE_ISA", "portable")
    with pytest.raises(EngineError, match="'portable'"):
        train(dataset(), recipe().override({"precision": "bf16"}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_folder_is_created_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `out`, each run gets a new folder in runs/."""
    monkeypatch.chdir(tmp_path)
    runs = [train(dataset(), recipe(epochs=1)) for _ in range(2)]
    assert runs[0].path != runs[1].path
    assert {run.path.parent for run in runs} == {Path("runs")}


def test_the_result_does_not_depend_on_threads(tmp_path: Path) -> None:
    """The same seed gives the same bits with one thread and with two; another seed gives different ones."""
    single = train(dataset(), recipe(), out=tmp_path / "one", threads=1)
    double = train(dataset(), recipe(), out=tmp_path / "two", threads=2)
    other = train(dataset(), recipe(seed=1), out=tmp_path / "other")
    assert _weights(single) == _weights(double)
    assert _weights(single) != _weights(other)


def test_the_model_has_the_recorded_validation_accuracy(tmp_path: Path) -> None:
    """The saved model has, on the validation images, the accuracy recorded for its epoch."""
    run = train(dataset(), recipe(epochs=2), out=tmp_path / "run")
    data, rows = dataset(), run.split.validation
    correct = run.model.logits(data.images[rows]).argmax(axis=1) == data.labels[rows]
    assert correct.mean() == run.epochs[-1].val_accuracy


def _validation_losses(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    values = iter(losses)
    monkeypatch.setattr(loop, "_validate", lambda *_: (next(values), 0.5))


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_saves_the_best_or_the_last_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restore: bool
) -> None:
    """Training stops `patience` epochs after the best; the model has the best epoch's weights if they are restored."""
    _validation_losses(monkeypatch, [3.0, 1.0, 2.0, 1.0, 9.0])
    early_stopping = EarlyStopping("val_loss", patience=2, restore_best_weights=restore)
    run = train(dataset(), recipe(epochs=50, early_stopping=early_stopping), out=tmp_path / "early")
    assert run.status == "finished"
    assert "epoch 2" in run.reason
    assert len(run.epochs) == 4
    monkeypatch.undo()
    same = train(dataset(), recipe(epochs=2 if restore else 4), out=tmp_path / "plain")
    assert _weights(run) == _weights(same)
    assert run.model.provenance.epoch == (2 if restore else 4)


def test_best_weights_are_restored_at_the_last_epoch_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Keras, the best weights are restored even if patience did not end the training."""
    _validation_losses(monkeypatch, [1.0, 2.0, 3.0])
    run = train(dataset(), recipe(epochs=3, early_stopping=EarlyStopping(patience=5)), out=tmp_path / "run")
    assert len(run.epochs) == 3
    assert run.reason == ""
    assert run.model.provenance.epoch == 1


def test_divergence_in_the_first_epoch_saves_no_model(tmp_path: Path) -> None:
    """With an absurd learning rate training stops in epoch 1 without a model, and the run is marked as diverged."""
    with pytest.raises(DivergedError, match=r"epoch 1 at step 2 of 5: .* no model was saved"):
        train(dataset(), recipe(optimizer=SGD(1e30)), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status == "diverged"
    assert run.reason == "in epoch 1 at step 2 of 5: the training loss is not a finite number"
    assert not (run.path / "model.safetensors").exists()
    assert not (run.path / "loss.png").exists()


def test_a_rate_beyond_float32_diverges_without_a_warning(tmp_path: Path) -> None:
    """A learning rate that is infinite as float32 is reported as a divergence."""
    with pytest.raises(DivergedError, match=r"1e\+300"):
        train(dataset(), recipe(optimizer=SGD(1e300)), out=tmp_path / "run")


def test_divergence_saves_the_best_finished_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a later loss is not finite, the weights of the epoch with the smallest validation loss are saved."""
    _validation_losses(monkeypatch, [2.0, 1.0, 3.0, float("nan")])
    with pytest.raises(DivergedError, match=r"epoch 4 after step 5 of 5.* weights of epoch 2"):
        train(dataset(), recipe(epochs=9), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status == "diverged"
    assert len(run.epochs) == 3
    assert run.model.provenance.status == "diverged"
    assert (run.path / "loss.png").exists()
    monkeypatch.undo()
    assert _weights(run) == _weights(train(dataset(), recipe(epochs=2), out=tmp_path / "two"))


def test_ctrl_c_saves_the_current_weights(tmp_path: Path) -> None:
    """Ctrl-C in the third epoch leaves a model, two records and the status "interrupted", and is raised again."""

    def report(progress: Progress) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="saved in"):
        train(dataset(), recipe(epochs=9), out=tmp_path / "run", report=report)
    run = Run.open(tmp_path / "run")
    assert run.status == "interrupted"
    assert len(run.epochs) == 2
    assert run.model.provenance.status == "interrupted"
    with pytest.raises(RunError, match="interrupted"):
        run.require_finished()


def test_any_failure_marks_the_run(tmp_path: Path) -> None:
    """An error in a report stops training, is raised with a note, and leaves an interrupted run with a model."""

    def report(_: Progress) -> None:
        raise BrokenPipeError("closed")

    with pytest.raises(BrokenPipeError) as caught:
        train(dataset(), recipe(), out=tmp_path / "run", report=report)
    assert "saved in" in "".join(caught.value.__notes__)
    run = Run.open(tmp_path / "run")
    assert run.status == "interrupted"
    assert run.reason == "BrokenPipeError: closed"
    assert run.model.class_names == dataset().class_names


def test_weights_that_cannot_be_saved_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If training is interrupted with weights of NaN, the run is still closed, and the message reports it."""
    stop = KeyboardInterrupt()

    def report(progress: Progress) -> None:
        if progress.result is not None:
            invalid = {name: weight * np.nan for name, weight in unit_weights().items()}
            monkeypatch.setattr(Network, "weights", lambda _: invalid)
            raise stop

    def unit_weights() -> dict[str, np.ndarray]:
        shapes = {"1.kernel": (784, 32), "1.bias": (32,), "2.kernel": (32, 10), "2.bias": (10,)}
        return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}

    with pytest.raises(KeyboardInterrupt, match="No model was saved"):
        train(dataset(), recipe(), out=tmp_path / "run", report=report)
    assert Run.open(tmp_path / "run").status == "interrupted"


def test_a_run_folder_in_use_is_rejected(tmp_path: Path) -> None:
    """A folder that is not empty is never used for a run."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        train(dataset(), recipe(), out=tmp_path)


def test_labels_are_checked(tmp_path: Path) -> None:
    """No image, a label out of range and a single class are rejected before anything is written."""
    with pytest.raises(DataError, match="no training image"):
        train(dataset(0), recipe(), out=tmp_path / "run")
    with pytest.raises(DataError, match=r"Label 5 at index 5 .* 0 to 4 for 5 class names"):
        train(dataset(classes=tuple("01234")), recipe(), out=tmp_path / "run")
    with pytest.raises(DataError, match="one class"):
        train(dataset(labels=np.full(200, 3)), recipe(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_that_do_not_fit_are_rejected(tmp_path: Path) -> None:
    """Early stopping without validation images, a window larger than the image and 0 threads are errors."""
    few = recipe(early_stopping=EarlyStopping()).override({"validation": 0.001})
    with pytest.raises(RecipeError, match=r"validation = 0\.001 of 200 images"):
        train(dataset(), few, out=tmp_path / "run")
    wide = recipe().model_dump() | {
        "layers": [{"type": "MaxPooling2D", "pool_size": 64}, {"type": "Flatten"}]
    }
    with pytest.raises(EngineError, match="Layer 0"):
        train(dataset(), type(recipe()).model_validate(wide), out=tmp_path / "run")
    with pytest.raises(EngineError, match="0 threads"):
        train(dataset(), recipe(), out=tmp_path / "run", threads=0)
    assert not (tmp_path / "run").exists()


def test_the_last_epoch_before_an_early_stop_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The epoch after which training stops is reported too."""
    _validation_losses(monkeypatch, [1.0, 2.0])
    results: list[Epoch] = []

    def report(progress: Progress) -> None:
        if progress.result is not None:
            results.append(progress.result)

    early_stopping = EarlyStopping(patience=1)
    run = train(dataset(), recipe(early_stopping=early_stopping), out=tmp_path / "run", report=report)
    assert tuple(results) == run.epochs
