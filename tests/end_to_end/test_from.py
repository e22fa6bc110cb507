"""`optotype train SOURCE --from TARGET`: a trained model taken further, from the command line."""

import json
from pathlib import Path

import pytest

from optotype.runs.run import Run
from tests.end_to_end.conftest import QUICK, Command
from tests.training.samples import write_folder


@pytest.mark.parametrize(("flag", "same"), [("--freeze", True), ("--no-freeze", False)])
def test_a_model_is_taken_further(
    flag: str, same: bool, optotype: Command, digits: Path, trained: Path, tmp_path: Path
) -> None:
    """--from takes the layers of a run, frozen or trained on, and what suits the data; both runs can be told apart."""
    arguments = ("--from", trained, flag, "--set", "epochs=1", "--set", "validation=100", "--out", "run")
    done = optotype("train", digits, *arguments, "--judge")
    assert done.returncode == 0, done.stderr
    words = "frozen" if same else "trained on"
    assert f"begins from mlp-32-16 of 10 classes: its first 3 layers, {words}" in done.stdout
    run, start = Run.open(tmp_path / "run"), Run.open(trained)
    assert run.recipe.layers == start.recipe.layers
    assert run.transfer is not None
    assert run.transfer.run == start.name
    assert all(
        (run.model.weights[name].tobytes() == start.model.weights[name].tobytes()) == same
        for name in ("1.kernel", "2.kernel")
    )


def test_a_recipe_of_its_own_adds_layers(
    optotype: Command, digits: Path, trained: Path, tmp_path: Path
) -> None:
    """--recipe gives the whole network; its first layers begin with the model's weights as far as they are alike."""
    (tmp_path / "deeper.toml").write_text(
        'epochs = 1\nvalidation = 100\nlayers = [{type = "Flatten"}, {type = "Dense", units = 32, activation = "relu"},'
        ' {type = "Dense", units = 8, activation = "relu"}]\n'
    )
    arguments = ("--recipe", "deeper.toml", "--from", trained / "model.safetensors", "--out", "run", "--json")
    done = optotype("train", digits, *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["recipe"] == "deeper"
    start = Run.open(tmp_path / "run").transfer
    assert start is not None
    assert (start.shared_layers, start.freeze) == (2, False)


def test_what_does_not_fit_ends_in_a_sentence(
    optotype: Command, digits: Path, trained: Path, tmp_path: Path
) -> None:
    """Images of another shape and a recipe with nothing in common are refused, without a run folder or a traceback."""
    wide = write_folder(tmp_path / "wide", 100, 40)
    for name, side in (("train-images-idx3-ubyte", 14), ("t10k-images-idx3-ubyte", 14)):
        content = bytearray((wide / name).read_bytes())
        content[8:16] = side.to_bytes(4, "big") + (28 * 28 // side).to_bytes(4, "big")
        (wide / name).write_bytes(content)
    for arguments, words in (
        ((wide,), "have shape 14 x 56 x 1, expected 28 x 28 x 1"),
        ((digits, "--recipe", "cnn-small"), "shares no layer with weights"),
        ((digits, "--from", "nothing"), "There is no nothing, expected a run folder or a model file"),
    ):
        done = optotype("train", "--from", trained, *arguments, "--out", "run")
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "run").exists()


def test_freezing_without_a_model_is_refused(optotype: Command, digits: Path) -> None:
    """--freeze without --from has nothing to freeze, and says so."""
    done = optotype("train", digits, *QUICK, "--freeze")
    assert done.returncode == 2
    assert "--from" in done.stderr
