"""Every built-in recipe has the network and the training settings of its lesson."""

import math

import numpy as np
import pytest

from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.engine.layers import describe
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD, Adam, RMSprop
from optotype.engine.processor import Precision, available_isas
from optotype.engine.schedules import Constant, OneCycle
from optotype.recipes.builtin import BUILTIN, load_recipe
from optotype.recipes.recipe import EarlyStopping, Recipe

_PARAMETERS = {
    "mlp-512-512": 669_706,
    "mlp-512-256-128": 567_434,
    "mlp-32-16": 25_818,
    "mlp-784": 623_290,
    "cnn-small": 592_074,
    "cnn-large": 59_933,
    "dnn-sigmoid": 188_436,
    "mlp-300-300": 328_810,
    "mlp-300-300-early": 328_810,
    "mlp-300-300-20": 328_810,
    "mlp-800-800": 1_276_810,
    "mlp-300x3": 419_110,
    "mnist-quick": 108_874,
    "pictures-quick": 437_610,
}
# Two statistics of each channel that is normalized.
_FROZEN = {"dnn-sigmoid": 2 * 784, "pictures-quick": 2 * (2 * 32 + 2 * 64 + 3 * 128)}
_TRAINING = {
    "mlp-512-512": (RMSprop(), 256, 20, 0),
    "mlp-512-256-128": (RMSprop(), 512, 20, 0),
    "mlp-32-16": (SGD(0.01), 32, 10, 0),
    "mlp-784": (Adam(), 200, 10, 0),
    "cnn-small": (Adam(), 200, 4, 0),
    "cnn-large": (Adam(), 200, 10, 0),
    "dnn-sigmoid": (SGD(0.03), 32, 50, 0),
    "mlp-300-300": (Adam(), 32, 50, 5000),
    "mlp-300-300-early": (Adam(), 32, 50, 5000),
    "mlp-300-300-20": (Adam(), 32, 20, 5000),
    "mlp-800-800": (Adam(), 32, 20, 5000),
    "mlp-300x3": (Adam(), 32, 20, 5000),
}


def test_recipes_are_in_lesson_order() -> None:
    """Recipes are listed in the order of their lessons; the defaults for MNIST and for image files are last."""
    assert list(_PARAMETERS) == list(BUILTIN)


@pytest.mark.parametrize("name", BUILTIN)
def test_parameters_are_those_of_the_lesson(name: str) -> None:
    """On MNIST the recipe has exactly the parameters of its lesson, and only batch normalization's are not trained."""
    rows = describe(load_recipe(name).network_layers(10), (28, 28, 1))
    assert sum(row.size for row in rows) == _PARAMETERS[name]
    assert sum(row.trainable_size for row in rows) == _PARAMETERS[name] - _FROZEN.get(name, 0)


@pytest.mark.parametrize("name", list(_TRAINING))
def test_training_settings_are_those_of_the_lesson(name: str) -> None:
    """The recipe trains with its lesson's optimizer, batch, epochs and validation images, at a constant rate."""
    recipe = load_recipe(name)
    assert (recipe.optimizer, recipe.batch_size, recipe.epochs, recipe.validation) == _TRAINING[name]
    assert recipe.schedule == Constant()
    assert recipe.early_stopping == (EarlyStopping("val_loss", 2) if name.endswith("early") else None)
    assert recipe.pixels == ("raw" if name == "dnn-sigmoid" else "unit")


@pytest.mark.parametrize("name", BUILTIN)
def test_initial_weights_have_the_expected_distribution(name: str) -> None:
    """Kernels are initialized with Glorot's uniform distribution, except in the recipe whose lesson uses N(0, 0.05)."""
    rows = describe(load_recipe(name).network_layers(10), (28, 28, 1))
    kernels = {
        parameter.initializer for row in rows for parameter in row.parameters if parameter.name == "kernel"
    }
    assert kernels == {"random_normal" if name == "mlp-784" else "glorot_uniform"}


@pytest.mark.parametrize("name", BUILTIN)
def test_recipe_has_a_source_and_json_round_trip(name: str) -> None:
    """The recipe has a source and its name, and is unchanged after a round trip through JSON."""
    recipe = load_recipe(name)
    assert recipe.source
    assert recipe.name == name
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    """Load MNIST once."""
    return load("mnist")


def trained(recipe: Recipe, data: Dataset, precision: Precision, threads: int) -> dict[str, bytes]:
    """Train two short epochs, each with a smaller last batch, and return the bytes of the weights."""
    size = recipe.batch_size
    n = max(150, size + size // 3)
    steps = math.ceil(n / size)
    layers = recipe.network_layers(10)
    network = Network(layers, data.shape, scale=recipe.scale, threads=threads, precision=precision)
    network.compile(recipe.optimizer, size)
    network.initialize(recipe.seed)
    rates = np.full(steps, recipe.optimizer.learning_rate, np.float32)
    for epoch in (1, 2):
        network.train_epoch(data.images, data.labels, np.arange(n), learning_rates=rates, key=(0, epoch))
    return {name: values.tobytes() for name, values in network.weights().items()}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", BUILTIN)
def test_number_of_threads_changes_no_bit(name: str, precision: Precision, mnist: Dataset) -> None:
    """In either precision, training on 1, 2, 3 and 4 threads gives the same bits."""
    if precision == "bf16" and "amx" not in available_isas():
        pytest.skip("this processor has no AMX")
    recipe = load_recipe(name)
    single = trained(recipe, mnist, precision, 1)
    for threads in (2, 3, 4):
        assert trained(recipe, mnist, precision, threads) == single, threads


def test_default_recipe_for_mnist() -> None:
    """The default for MNIST is trained with Adam on one cycle, and has validation images."""
    recipe = load_recipe("mnist-quick")
    assert isinstance(recipe.optimizer, Adam)
    assert isinstance(recipe.schedule, OneCycle)
    assert recipe.validation
