"""Every format with every layer and built-in recipe: the file's predictions are the model's."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from optotype.errors import ExportError
from optotype.exporting.export import export
from optotype.exporting.exported_model import fold_temperature
from optotype.exporting.formats import FORMATS, find_format
from optotype.exporting.verification import Verification, verification_images, verify
from optotype.recipes.builtin import BUILTIN, load_recipe
from tests.contracts.nets import NETS, SHAPE
from tests.exporting.samples import altered, untrained

# Keras on JAX copies arrays in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# One name for each network: some recipes differ only in their training.
NETWORKS = {load_recipe(name).layers: name for name in reversed(BUILTIN)}


def _pairs(nets: Iterable[str], quick: Iterable[str]) -> list[ParameterSet]:
    """Pair every network with every format; formats that take a second are slow, except for a few networks."""
    return [
        pytest.param(
            net, format_name, marks=[pytest.mark.slow] * (format_name in {"c", "keras"} and net not in quick)
        )
        for net in nets
        for format_name in FORMATS
    ]


@pytest.mark.parametrize(
    ("net", "format_name"),
    _pairs(NETS, ["Conv2D then all", "BatchNormalization inside", "Dense relu", "Conv2D same"]),
)
def test_every_layer(tmp_path: Path, net: str, format_name: str) -> None:
    """An export of each layer, in sizes that are not multiples of anything, is verified and saved."""
    results: list[Verification] = []
    path = tmp_path / f"net{find_format(format_name).suffixes[0]}"
    model = untrained(NETS[net][:-1], SHAPE)
    assert export(model, format_name, path, report=results.append) == path
    assert path.exists()
    assert results[0].max_difference < 1e-6


@pytest.mark.parametrize(("name", "format_name"), _pairs(NETWORKS.values(), ["mnist-quick", "dnn-sigmoid"]))
def test_every_builtin_recipe(tmp_path: Path, name: str, format_name: str) -> None:
    """An export of each built-in recipe's network is verified and saved, with any pixel scale."""
    recipe = load_recipe(name)
    classes = tuple("0123456789")
    shape = (16, 16, 1) if recipe.layers[0].type == "Conv2D" else (7, 7, 1)
    model = untrained(recipe.layers, shape, classes=classes, recipe=recipe)
    assert export(model, format_name, tmp_path / f"net{find_format(format_name).suffixes[0]}").exists()


@pytest.mark.parametrize("format_name", FORMATS)
def test_altered_weight_is_detected(tmp_path: Path, format_name: str) -> None:
    """A file in which a single weight differs by 0.01 fails the verification."""
    model = untrained(NETS["Conv2D same"][:-1], SHAPE)
    chosen = find_format(format_name)
    path = tmp_path / f"net{chosen.suffixes[0]}"
    chosen.write(fold_temperature(altered(model)), path)
    with pytest.raises(ExportError, match="on 32 of 32 synthetic images"):
        verify(model, verification_images(model), lambda batches: chosen.predict(path, batches))


def test_unknown_format_is_an_error() -> None:
    """The message names the unknown format and the most similar known one."""
    with pytest.raises(ExportError, match=r"'onix'.*Did you mean 'onnx'\?"):
        find_format("onix")
