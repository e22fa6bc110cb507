"""Every format over every layer and built-in recipe: what a file says is what its model says."""

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest
from _pytest.mark import ParameterSet

from optotype.cli import export as verb
from optotype.errors import ExportError
from optotype.exporting.exported_model import fold_temperature
from optotype.exporting.export import export
from optotype.exporting.formats import FORMATS, find_format
from optotype.exporting.verification import Verification, verification_images, verify
from optotype.recipes.builtin import BUILTIN, load_recipe
from tests.contracts.nets import NETS, SHAPE
from tests.exporting.samples import spoiled, untrained

# Recipes that differ in training alone have one network.
# Keras on JAX copies arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NETWORKS = {load_recipe(name).layers: name for name in reversed(BUILTIN)}


def _pairs(nets: Iterable[str], quick: Iterable[str]) -> list[ParameterSet]:
    """Pair every net with every format; what takes a second to compile is slow but for a few that have every layer."""
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
    """An export of each layer, in sizes that fit nothing, is verified, and then it is there."""
    results: list[Verification] = []
    path = tmp_path / f"net{FORMATS[format_name].suffixes[0]}"
    model = untrained(NETS[net][:-1], SHAPE)
    assert export(model, format_name, path, report=results.append) == path
    assert path.exists()
    assert results[0].max_difference < 1e-6


@pytest.mark.parametrize(("name", "format_name"), _pairs(NETWORKS.values(), ["mnist-quick", "dnn-sigmoid"]))
def test_every_builtin_recipe(tmp_path: Path, name: str, format_name: str) -> None:
    """An export of each built-in recipe's network is verified, whatever its pixel scale."""
    recipe = load_recipe(name)
    classes = tuple("0123456789")
    shape = (16, 16, 1) if recipe.layers[0].type == "Conv2D" else (7, 7, 1)
    model = untrained(recipe.layers, shape, classes=classes, recipe=recipe)
    assert export(model, format_name, tmp_path / f"net{FORMATS[format_name].suffixes[0]}").exists()


@pytest.mark.parametrize("format_name", FORMATS)
def test_another_models_file_is_told_apart(tmp_path: Path, format_name: str) -> None:
    """A file whose weights differ by 0.01 in one place does not pass as the model's."""
    model = untrained(NETS["Conv2D same"][:-1], SHAPE)
    chosen = FORMATS[format_name]
    path = tmp_path / f"net{chosen.suffixes[0]}"
    chosen.write(fold_temperature(spoiled(model)), path)
    with pytest.raises(ExportError, match="says other than the model on 32 of 32 synthetic images"):
        verify(model, verification_images(model), lambda batches: chosen.predict(path, batches))


def test_the_command_line_offers_every_format() -> None:
    """--format takes exactly the names of the registry."""
    annotation = verb.export.__annotations__["format"]
    assert get_args(get_args(annotation)[0]) == tuple(FORMATS)


def test_unknown_formats_are_named() -> None:
    """A format that is none is answered with those that are, and the nearest."""
    with pytest.raises(ExportError, match=r"Unknown export format 'onix'. Did you mean 'onnx'\?"):
        find_format("onix")
