"""Transfer learning with the installed command: `optotype train SOURCE --from TARGET`."""

import json
from pathlib import Path

import pytest

from optotype.runs.run import Run
from tests.end_to_end.conftest import QUICK, Command
from tests.training.samples import write_folder


@pytest.mark.parametrize(("flag", "same"), [("--freeze", True), ("--no-freeze", False)])
def test_training_starts_from_a_model(
    flag: str, same: bool, optotype: Command, digits: Path, trained: Path, tmp_path: Path
) -> None:
    """--from takes the layers and weights of a run, frozen or trainable; the new run records the old one."""
    arguments = ("--from", trained, flag, "--set", "epochs=1", "--set", "validation=100", "--out", "run")
    result = optotype("train", digits, *arguments, "--judge")
    assert result.returncode == 0, result.stderr
    state = "frozen" if same else "trainable"
    assert f"starts from mlp-32-16 (10 classes): its first 3 layers, {state}" in result.stdout
    run, start = Run.open(tmp_path / "run"), Run.open(trained)
    assert run.recipe.layers == start.recipe.layers
    assert run.transfer is not None
    assert run.transfer.run == start.name
    assert all(
        (run.model.weights[name].tobytes() == start.model.weights[name].tobytes()) == same
        for name in ("1.kernel", "2.kernel")
    )


def test_recipe_may_add_layers(optotype: Command, digits: Path, trained: Path, tmp_path: Path) -> None:
    """--recipe defines the whole network; its first layers that match the model's start from the model's weights."""
    (tmp_path / "deeper.toml").write_text(
        'epochs = 1\nvalidation = 100\nlayers = [{type = "Flatten"}, {type = "Dense", units = 32, activation = "relu"},'
        ' {type = "Dense", units = 8, activation = "relu"}]\n'
    )
    arguments = ("--recipe", "deeper.toml", "--from", trained / "model.safetensors", "--out", "run", "--json")
    result = optotype("train", digits, *arguments)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["recipe"] == "deeper"
    start = Run.open(tmp_path / "run").transfer
    assert start is not None
    assert (start.shared_layers, start.freeze) == (2, False)


def test_incompatible_models_are_errors(
    optotype: Command, digits: Path, trained: Path, tmp_path: Path
) -> None:
    """Images of another shape, a recipe without a common layer and a missing model are errors without a run folder."""
    wide = write_folder(tmp_path / "wide", 100, 40)
    for name, side in (("train-images-idx3-ubyte", 14), ("t10k-images-idx3-ubyte", 14)):
        content = bytearray((wide / name).read_bytes())
        content[8:16] = side.to_bytes(4, "big") + (28 * 28 // side).to_bytes(4, "big")
        (wide / name).write_bytes(content)
    for arguments, text in (
        ((wide,), "14 x 56 x 1"),
        ((digits, "--recipe", "cnn-small"), "shares no layer"),
        ((digits, "--from", "nothing"), "nothing"),
    ):
        result = optotype("train", "--from", trained, *arguments, "--out", "run")
        assert result.returncode == 1
        assert text in result.stderr
        assert "Traceback" not in result.stderr
        assert not (tmp_path / "run").exists()


def test_freeze_requires_from(optotype: Command, digits: Path) -> None:
    """--freeze without --from is a usage error."""
    result = optotype("train", digits, *QUICK, "--freeze")
    assert result.returncode == 2
    assert "--from" in result.stderr
