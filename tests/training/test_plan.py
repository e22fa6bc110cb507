"""The plan of a training."""

import numpy as np
import pytest

from optotype.engine.frozen import FrozenNetwork
from optotype.engine.layers import Dense
from optotype.engine.network import Network
from optotype.errors import DataError, RecipeError
from optotype.models.model import Model
from optotype.recipes.recipe import EarlyStopping
from optotype.training.plan import build_network, plan_training, split_validation
from optotype.training.train import train
from tests.training.samples import dataset, recipe


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Train a model on the ten patterns."""
    return train(dataset(), recipe(epochs=1), out=tmp_path_factory.mktemp("plan") / "start").model


def test_a_recipe_is_trained_from_random_weights() -> None:
    """Without a model to start from there are no initial weights and no frozen layers."""
    plan = plan_training(dataset(), recipe(), threads=1)
    assert dict(plan.initial_weights) == {}
    assert plan.frozen_layers == 0
    network = build_network(plan)
    assert isinstance(network, Network)
    assert network.threads == 1


def test_the_validation_images_are_divided_once() -> None:
    """The plan has the split of the recipe, and the parts that split_validation returns for it."""
    small = recipe(validation=120, early_stopping=EarlyStopping())
    plan = plan_training(dataset(300), small)
    assert len(plan.split.validation) == 120
    parts = split_validation(small, plan.data.labels, plan.split)
    for rows, expected in zip((plan.monitored, plan.calibration), parts, strict=True):
        np.testing.assert_array_equal(rows, expected)
        assert len(rows) == 60


def test_an_extended_model_brings_weights_and_frozen_layers(model: Model) -> None:
    """The shared layers' weights are initial weights; with freeze these layers are frozen."""
    extended = model.transfer([Dense(16, "relu")])
    plan = plan_training(dataset(), extended)
    assert plan.recipe == extended.recipe
    assert set(plan.initial_weights) == {"1.kernel", "1.bias"}
    assert plan.frozen_layers == 2
    assert isinstance(build_network(plan), FrozenNetwork)
    free = plan_training(dataset(), model.transfer([Dense(16, "relu")], freeze=False))
    assert free.frozen_layers == 0


def test_impossible_trainings_have_no_plan() -> None:
    """More validation images than images, and early stopping without any, are errors."""
    with pytest.raises(DataError):
        plan_training(dataset(100), recipe(validation=100))
    with pytest.raises(RecipeError, match=r"0\.001"):
        plan_training(dataset(), recipe(early_stopping=EarlyStopping()).override({"validation": 0.001}))
