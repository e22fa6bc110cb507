"""Transfer learning: initial weights, frozen layers, the record of the start, and the gain in accuracy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.arrays.in_memory import dataset_from_arrays
from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.engine.layers import Dense
from optotype.engine.optimizers import Adam
from optotype.errors import DataError
from optotype.judging.judge import judge
from optotype.models.model import Model
from optotype.models.transfer import TransferRecipe, fingerprint_model
from optotype.recipes.builtin import load_recipe
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run
from optotype.training.train import train
from tests.training.samples import dataset, pictures, recipe, write_folder

LETTERS = tuple("abcdefghij")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Train a model on the ten patterns."""
    return train(dataset(), recipe(epochs=2), out=tmp_path_factory.mktemp("start") / "digits").model


def _letters() -> Dataset:
    """Return the patterns with other class names."""
    return replace(dataset(), class_names=LETTERS)


def test_frozen_layers_keep_their_bits(model: Model, tmp_path: Path) -> None:
    """With freeze, the new model has the model's layers bit for bit, and only added layers are trained."""
    run = train(_letters(), model.transfer([Dense(16, "relu")]), out=tmp_path / "run")
    assert run.model.class_names == LETTERS
    for name in ("1.kernel", "1.bias"):
        assert run.model.weights[name].tobytes() == model.weights[name].tobytes()
    assert run.epochs[-1].loss < run.epochs[0].loss


def test_layers_that_are_not_frozen_start_from_the_models_weights(model: Model, tmp_path: Path) -> None:
    """Without freeze, the model's layers start from its weights, the others from the recipe's seed."""
    extended = replace(model.transfer(freeze=False), recipe=recipe(epochs=1, optimizer=Adam(1e-12)))
    initial = train(_letters(), extended, out=tmp_path / "initial").model.weights
    fresh = train(_letters(), extended.recipe, out=tmp_path / "fresh").model.weights
    for name, other in {"1.kernel": model.weights, "2.kernel": fresh}.items():
        np.testing.assert_allclose(initial[name], other[name], atol=1e-9)
    trained = train(_letters(), model.transfer(freeze=False), out=tmp_path / "run").model.weights
    assert not np.allclose(trained["1.kernel"], model.weights["1.kernel"], atol=1e-4)


def test_the_run_records_the_model_that_it_started_from(model: Model, tmp_path: Path) -> None:
    """Run folder and model file have the fingerprint, run, data and classes of the start; other runs have none."""
    train(_letters(), model.transfer(), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.transfer is not None
    assert run.transfer.fingerprint == fingerprint_model(model)
    assert run.transfer.run == "digits"
    assert run.transfer.data == model.provenance.data
    assert run.transfer.class_names == tuple("0123456789")
    assert (run.transfer.shared_layers, run.transfer.freeze) == (2, True)
    assert Model.load(run.model_path).provenance.transfer == run.transfer
    assert model.provenance.transfer is None


@pytest.mark.parametrize("freeze", [True, False])
def test_a_run_can_be_repeated(freeze: bool, model: Model, tmp_path: Path) -> None:
    """The same recipe, seed and start give the same bits, on one thread as on two."""
    extended = model.transfer([Dense(16, "relu")], freeze=freeze)
    runs = [train(_letters(), extended, out=tmp_path / str(threads), threads=threads) for threads in (1, 2)]
    first, second = ({name: weight.tobytes() for name, weight in run.model.weights.items()} for run in runs)
    assert first == second
    assert runs[0].transfer == runs[1].transfer


def test_an_extended_model_is_judged_and_extended_again(tmp_path: Path) -> None:
    """A run that started from a model is judged like any other, and another run can start from it."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    run = train(data, recipe(epochs=2), out=tmp_path / "runs" / "one")
    for name in ("two", "three"):
        extended = run.model.transfer([Dense(16, "relu")])
        run = train(data, extended, out=tmp_path / "runs" / name)
    assert len(run.recipe.layers) == 4
    assert judge(tmp_path / "runs" / "three").score.n == 60


def test_images_of_another_shape_are_rejected_before_a_run_is_created(model: Model, tmp_path: Path) -> None:
    """Images of another shape leave no run folder."""
    images, labels = pictures(100, 1)
    data = dataset_from_arrays({"x_train": images[:, :20], "y_train": labels}, "short", "arrays")
    with pytest.raises(DataError, match=r"20 x 28 x 1.*28 x 28 x 1"):
        train(data, model.transfer(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def _digits(classes: range, n: int) -> dict[str, np.ndarray]:
    mnist = load("mnist")
    rows = np.flatnonzero(np.isin(mnist.labels, classes))
    rows, test_rows = rows[:n], rows[-2000:]
    return {
        "x_train": mnist.images[rows],
        "y_train": mnist.labels[rows],
        "x_test": mnist.images[test_rows],
        "y_test": mnist.labels[test_rows],
    }


def test_transfer_from_some_digits_helps_with_others(tmp_path: Path) -> None:
    """A network trained on digits 0 to 4, then on 200 images of 5 to 9, beats one trained on the 200 only."""
    low = dataset_from_arrays(_digits(range(5), 5000), "low", "arrays")
    high = dataset_from_arrays(_digits(range(5, 10), 200), "high", "arrays")
    start = train(low, load_recipe("mnist-quick").override({"validation": 0}), out=tmp_path / "low")
    settings = {"validation": 0, "epochs": 20}
    candidates: dict[str, Recipe | TransferRecipe] = {
        "frozen": start.model.transfer([Dense(128, "relu")], keep=-1).override(settings),
        "free": start.model.transfer(freeze=False).override(settings),
        "fresh": load_recipe("mnist-quick").override(settings),
    }
    accuracy = {
        name: judge(train(high, candidate, out=tmp_path / "runs" / name), data=high).score.accuracy.value
        for name, candidate in candidates.items()
    }
    assert min(accuracy["frozen"], accuracy["free"]) > accuracy["fresh"] + 0.01
