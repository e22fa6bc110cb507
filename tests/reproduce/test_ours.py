from pathlib import Path

import pytest

import optotype as ot
from optotype.engine.processor import available_isas
from reproduce import ours
from reproduce.results import definition

RECIPE = ot.Recipe(layers=(ot.Flatten(),), batch_size=1000, epochs=2, validation=1000, seed=3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store run folders and openings of the test set in a temporary folder."""
    monkeypatch.setattr(ours, "CACHE", tmp_path)
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path.parent / "home"))
    return tmp_path


def test_training_is_recorded_with_history_and_scores(cache: Path) -> None:
    """Training through the public interface returns the history and the scores of every split, and leaves no run."""
    (record,) = ours.train_all(ot.load("mnist"), [RECIPE], workers=1)
    (training,) = record.trainings
    assert record.definition == definition(RECIPE)
    assert (training.seed, training.epochs, len(training.history["val_loss"])) == (3, 2, 2)
    assert training.validation is not None
    assert (training.train.n, training.validation.n, training.test.n) == (59_000, 1_000, 10_000)
    assert training.test.accuracy > 0.5
    assert {path.name for path in cache.iterdir()} == {"test-openings.jsonl", ".test-openings.lock"}


def test_concurrent_trainings_equal_sequential_ones() -> None:
    """Parallel trainings equal sequential ones, and each is recorded under its precision."""
    recipes = [RECIPE.override({"precision": precision}) for precision in ours.precisions()] * 2
    sequential, parallel = (
        {entry.peer: entry for entry in ours.train_all(ot.load("mnist"), recipes, workers)}
        for workers in (1, 3)
    )
    assert sequential == parallel
    assert set(sequential) == {ours.PEERS[precision] for precision in ours.precisions()}


def test_bf16_is_trained_with_amx_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """With AMX both precisions are trained; without it fp32 alone."""
    monkeypatch.delenv("OPTOTYPE_ISA", raising=False)
    assert ours.precisions() == (["fp32", "bf16"] if "amx" in available_isas() else ["fp32"])
    monkeypatch.setenv("OPTOTYPE_ISA", "portable")
    assert ours.precisions() == ["fp32"]


def test_failed_training_stops_the_others() -> None:
    """If a training fails, its error is raised, and running trainings stop at their next step."""
    endless = RECIPE.override({"epochs": 100_000})
    broken = RECIPE.override({"validation": 60_000})
    with pytest.raises(ot.OptotypeError):
        list(ours.train_all(ot.load("mnist"), [endless, broken, endless], workers=2))
