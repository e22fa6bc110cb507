"""`optotype train` and the commands after it, with their output on pipes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from optotype.engine.layers import one_line
from optotype.recipes.builtin import default_recipe
from optotype.runs.run import Run
from tests.data.picture_files import names, write
from tests.end_to_end.conftest import QUICK, Command
from tests.training.samples import pictures, write_folder, write_pictures


def test_mnist_is_trained_and_judged(optotype: Command, tmp_path: Path) -> None:
    """One command trains the default recipe on MNIST, judges it, and prints accuracy, interval and paths."""
    result = optotype("train", "mnist", "--set", "epochs=1", "--out", "run", "--judge")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "mnist: 60,000 training images of 28x28x1, 10 classes" in result.stdout
    for layer in default_recipe("mnist", 60_000).network_layers(10):
        assert one_line(layer) in result.stdout
    assert "epoch 1/1  loss " in result.stdout
    *_, verdict, run, model, report = result.stdout.splitlines()
    assert verdict.startswith("test accuracy 0.9")
    assert verdict.endswith("n = 10,000, opening 1 of this test set")
    assert run == "run    run"
    assert model == "model  run/model.safetensors"
    assert report == "report run/report.html"
    judgement = Run.open(tmp_path / "run").judgement
    assert judgement is not None
    splits = judgement["splits"]
    assert isinstance(splits, dict)
    assert {name: score["n"] for name, score in splits.items() if isinstance(score, dict)} == {
        "train": 55_000,
        "validation": 5_000,
        "test": 10_000,
    }


def test_training_leaves_the_test_set_sealed(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """Without --judge the result is the validation accuracy with its interval, and nothing is opened."""
    result = optotype("train", digits, *QUICK)
    assert result.returncode == 0, result.stderr
    *_, verdict, run, model, hint = result.stdout.splitlines()
    assert verdict.startswith("validation accuracy ")
    assert "n = 100, 95 % interval" in verdict
    folder = tmp_path / run.split()[1]
    assert folder.parent == tmp_path / "runs"
    assert (tmp_path / model.split()[1]).is_file()
    assert hint.endswith(f"optotype judge {run.split()[1]}")
    assert not (tmp_path / "runs" / "test-openings.jsonl").exists()


def test_precision_is_printed(optotype: Command, digits: Path) -> None:
    """With --set precision=fp32 the line about the recipe contains fp32."""
    result = optotype("train", digits, *QUICK, "--set", "precision=fp32")
    assert result.returncode == 0, result.stderr
    assert "seed 0, fp32 on " in " ".join(result.stdout.split())


def test_pipe_gets_plain_text(optotype: Command, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a pipe there are no escape sequences and no carriage returns, even with FORCE_COLOR."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = optotype("train", digits, *QUICK)
    assert result.returncode == 0
    assert "\x1b" not in result.stdout + result.stderr
    assert "\r" not in result.stdout + result.stderr


def test_json_output_is_json_lines(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """With --json every line on standard output is JSON: one per epoch, then the result; nothing else is printed."""
    process = optotype("train", digits, *QUICK, "--json", "--judge", "--out", "run", "--seed", "3")
    assert (process.returncode, process.stderr) == (0, "")
    first, second, result = map(json.loads, process.stdout.splitlines())
    assert [first["epoch"], second["epoch"]] == [1, 2]
    assert result["event"] == "finished"
    assert result["run"] == "run"
    assert result["seed"] == 3
    environment = Run.open(tmp_path / "run").environment
    assert (result["precision"], result["instruction_set"]) == (environment.precision, environment.isa)
    assert result["parameters"] == 25_818
    assert result["validation"]["n"] == 100
    assert result["validation"]["accuracy"] == second["val_accuracy"]
    assert result["judgement"]["splits"]["test"]["n"] == 200


def test_run_is_judged_and_predicts(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """Judge and predict take a run folder or its model file; openings are counted."""
    first = optotype("judge", trained)
    assert first.returncode == 0, first.stderr
    *_, verdict, judgement, report = first.stdout.splitlines()
    assert verdict.endswith("n = 200, opening 1 of this test set")
    assert judgement == f"judgement    {trained / 'judgement.json'}"
    assert report == f"report       {trained / 'report.html'}"
    elsewhere = optotype("judge", trained, "--out", "elsewhere")
    assert elsewhere.returncode == 2
    assert "--out" in elsewhere.stderr
    assert str(trained) in elsewhere.stderr
    second = json.loads(optotype("judge", trained / "model.safetensors", "--json").stdout)
    assert second["opening"] == 2
    for label in (3, 7):
        Image.fromarray(pictures(20, 9)[0][label, ..., 0]).save(tmp_path / f"{label}.png")
    predicted = optotype("predict", trained, "3.png", "7.png", "--top", "2")
    assert predicted.returncode == 0, predicted.stderr
    lines = [line.split() for line in predicted.stdout.splitlines()]
    assert [line[0] for line in lines] == ["3.png", "7.png"]
    assert [len(line) for line in lines] == [5, 5]
    rejected = optotype("predict", trained, "3.png", "--precision", "fp16")
    assert (rejected.returncode, rejected.stdout) == (2, "")
    output = json.loads(optotype("predict", trained / "model.safetensors", "3.png", "--json").stdout)
    (prediction,) = output["predictions"]
    assert prediction["image"] == "3.png"
    assert prediction["label"] == prediction["top"][0]["label"] == lines[0][1]
    assert len(prediction["top"]) == 3


def test_printed_recipe_can_be_trained(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """The output of `recipes NAME` is a valid file for --recipe."""
    (tmp_path / "mine.toml").write_text(optotype("recipes", "mlp-32-16").stdout)
    result = optotype("train", digits, "--recipe", "mine.toml", "--set", "epochs=1")
    assert result.returncode == 0, result.stderr
    assert "training accuracy" in result.stdout


def test_early_stopping_is_printed(optotype: Command, digits: Path) -> None:
    """After early stopping the output has the epoch of the saved model, as text and as JSON."""
    settings = (
        "--set",
        "early_stopping.patience=1",
        "--set",
        "optimizer.learning_rate=0.5",
        "--set",
        "epochs=50",
    )
    process = optotype("train", digits, *QUICK, *settings, "--json")
    assert process.returncode == 0, process.stdout
    result = json.loads(process.stdout.splitlines()[-1])
    assert result["epochs"] < 50
    assert result["model_epoch"] == result["epochs"] - 1
    again = optotype("train", digits, *QUICK, *settings)
    (line,) = (line for line in again.stdout.splitlines() if line.startswith("stopped early: "))
    assert f"epoch {result['model_epoch']}" in line


def test_additional_images_are_trained(
    optotype: Command, digits: Path, trained: Path, tmp_path: Path
) -> None:
    """--add prints what it adds; the run is judged, listed and compared with a run without additional images."""
    write_pictures(tmp_path / "new", *pictures(20, 8))
    result = optotype("train", digits, *QUICK, "--add", "new", "--out", "runs/more")
    assert result.returncode == 0, result.stderr
    assert "digits: 620 training images" in result.stdout
    assert f"20 additional training images of 10 classes from {tmp_path / 'new'}" in result.stdout
    assert "n = 100, 95 % interval" in result.stdout
    judged = json.loads(optotype("judge", "runs/more", "--json").stdout)
    assert {name: score["n"] for name, score in judged["splits"].items()} == {
        "train": 520,
        "validation": 100,
        "test": 200,
    }
    assert "digits +20" in optotype("runs").stdout
    compared = optotype("compare", trained, "runs/more")
    assert compared.returncode == 0, compared.stderr
    assert "A 0, B 20" in compared.stdout
    write_pictures(tmp_path / "new", *pictures(21, 9))
    changed = optotype("judge", "runs/more")
    assert changed.returncode == 1
    assert "21" in changed.stderr
    assert "20" in changed.stderr
    wrong = optotype("train", digits, *QUICK, "--add", "nowhere")
    assert wrong.returncode == 1
    assert "nowhere" in wrong.stderr


def test_help_imports_nothing_heavy() -> None:
    """`optotype --help` and --version do not import numpy, matplotlib, pydantic, Pillow or the engine."""
    program = """
import sys
from optotype.cli.main import run
for arguments in (["--help"], ["--version"]):
    try:
        run(arguments)
    except SystemExit:
        pass
heavy = {"numpy", "matplotlib", "pydantic", "PIL", "safetensors", "optotype.engine._core"} & set(sys.modules)
assert not heavy, heavy
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_run_is_judged_on_new_images(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A judgement on another source is saved in a folder of its own; the run's judgement does not change."""
    own = trained / "judgement.json"
    before = own.read_bytes() if own.exists() else None
    folder = write_folder(tmp_path / "more", 60, 20)
    result = optotype("judge", trained, "--data", folder, "--robust")
    assert result.returncode == 0, result.stderr
    *_, verdict, judgement, report = result.stdout.splitlines()
    assert verdict.startswith("new images: accuracy ")
    assert "n = 80" in verdict
    assert "robustness   rotated (degrees): " in result.stdout
    assert judgement == "judgement    judged-digits-more/judgement.json"
    assert report == "report       judged-digits-more/report.html"
    judged = json.loads((tmp_path / "judged-digits-more" / "judgement.json").read_bytes())
    assert (judged["target"], judged["data"], judged["on"]) == ("digits", "more", "new")
    assert (own.read_bytes() if own.exists() else None) == before
    letters = write(tmp_path / "letters", names(10, ("a", "b")), mode="L")
    wrong = optotype("judge", trained, "--data", letters)
    assert wrong.returncode == 1
    assert "letters" in wrong.stderr
