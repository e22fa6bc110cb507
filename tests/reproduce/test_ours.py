from pathlib import Path

import pytest

import optotype as ot
from reproduce import ours
from reproduce.results import definition


def test_a_training_becomes_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe trained through the public door gives its history and the scores of every split, and leaves no run."""
    monkeypatch.setattr(ours, "CACHE", tmp_path)
    recipe = ot.Recipe(layers=(ot.Flatten(),), batch_size=1000, epochs=2, validation=1000, seed=3)
    (found,) = ours.train_all(ot.load("mnist"), [recipe], threads=1)
    (training,) = found.trainings
    assert found.definition == definition(recipe)
    assert (training.seed, training.epochs, len(training.history["val_loss"])) == (3, 2, 2)
    assert training.validation is not None
    assert (training.train.n, training.validation.n, training.test.n) == (59_000, 1_000, 10_000)
    assert training.test.accuracy > 0.5
    assert [each.name for each in tmp_path.iterdir()] == ["test-openings.jsonl"]
