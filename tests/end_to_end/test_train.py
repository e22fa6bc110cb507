"""`optotype train` and what follows it, on pipes, as a user or a program meets it."""

import json
import re
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
    """One command trains the default recipe on MNIST, judges it, and says accuracy, interval, run, model and report."""
    done = optotype("train", "mnist", "--set", "epochs=1", "--out", "run", "--judge")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "mnist: 60,000 training images of 28x28x1, 10 classes" in done.stdout
    for layer in default_recipe("mnist", 60_000).network_layers(10):
        assert one_line(layer) in done.stdout
    assert "epoch 1/1  loss " in done.stdout
    *_, verdict, run, model, report = done.stdout.splitlines()
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


def test_training_ends_on_validation_and_leaves_the_test_sealed(
    optotype: Command, digits: Path, tmp_path: Path
) -> None:
    """Without --judge the last word is validation accuracy with its interval, and nothing was opened."""
    done = optotype("train", digits, *QUICK)
    assert done.returncode == 0, done.stderr
    *_, verdict, run, model, hint = done.stdout.splitlines()
    assert verdict.startswith("validation accuracy ")
    assert "n = 100, 95 % interval" in verdict
    folder = tmp_path / run.split()[1]
    assert folder.parent == tmp_path / "runs"
    assert (tmp_path / model.split()[1]).is_file()
    assert hint.endswith(f"optotype judge {run.split()[1]}")
    assert not (tmp_path / "runs" / "test-openings.jsonl").exists()


def test_the_precision_is_set_and_said(optotype: Command, digits: Path) -> None:
    """--set precision=fp32 trains in fp32, and the line that introduces the recipe says so."""
    done = optotype("train", digits, *QUICK, "--set", "precision=fp32")
    assert done.returncode == 0, done.stderr
    assert "seed 0, fp32 on " in " ".join(done.stdout.split())


def test_a_pipe_gets_plain_text(optotype: Command, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a pipe there is no escape sequence and no carriage return, even where colours are asked for."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = optotype("train", digits, *QUICK)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


def test_json_lines_are_all_there_is(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """With --json every line on the standard output is JSON: the epochs, then the result; nothing else is said."""
    done = optotype("train", digits, *QUICK, "--json", "--judge", "--out", "run", "--seed", "3")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, result = map(json.loads, done.stdout.splitlines())
    assert [first["epoch"], second["epoch"]] == [1, 2]
    assert result["event"] == "finished"
    assert result["run"] == "run"
    assert result["seed"] == 3
    used = Run.open(tmp_path / "run").environment
    assert (result["precision"], result["instruction_set"]) == (used.precision, used.isa)
    assert result["parameters"] == 25_818
    assert result["validation"]["n"] == 100
    assert result["validation"]["accuracy"] == second["val_accuracy"]
    assert result["judgement"]["splits"]["test"]["n"] == 200


def test_a_run_is_judged_and_used(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A run folder and its model file are TARGETs of judge and predict; openings are counted."""
    first = optotype("judge", trained)
    assert first.returncode == 0, first.stderr
    *_, verdict, written, report = first.stdout.splitlines()
    assert verdict.endswith("n = 200, opening 1 of this test set")
    assert written == f"judgement    {trained / 'judgement.json'}"
    assert report == f"report       {trained / 'report.html'}"
    elsewhere = optotype("judge", trained, "--out", "elsewhere")
    assert elsewhere.returncode == 2
    assert "A run's own judgement is kept in" in elsewhere.stderr
    second = json.loads(optotype("judge", trained / "model.safetensors", "--json").stdout)
    assert second["opening"] == 2
    for label in (3, 7):
        Image.fromarray(pictures(20, 9)[0][label, ..., 0]).save(tmp_path / f"{label}.png")
    shown = optotype("predict", trained, "3.png", "7.png", "--top", "2")
    assert shown.returncode == 0, shown.stderr
    words = [line.split() for line in shown.stdout.splitlines()]
    assert [line[0] for line in words] == ["3.png", "7.png"]
    assert [len(line) for line in words] == [5, 5]
    refused = optotype("predict", trained, "3.png", "--precision", "fp16")
    assert (refused.returncode, refused.stdout) == (2, "")
    told = json.loads(optotype("predict", trained / "model.safetensors", "3.png", "--json").stdout)
    (prediction,) = told["predictions"]
    assert prediction["image"] == "3.png"
    assert prediction["label"] == prediction["top"][0]["label"] == words[0][1]
    assert len(prediction["top"]) == 3


def test_a_recipe_that_was_printed_can_be_trained(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """What `recipes NAME` prints is a file that --recipe takes."""
    (tmp_path / "mine.toml").write_text(optotype("recipes", "mlp-32-16").stdout)
    done = optotype("train", digits, "--recipe", "mine.toml", "--set", "epochs=1")
    assert done.returncode == 0, done.stderr
    assert "training accuracy" in done.stdout


def test_early_stopping_is_said(optotype: Command, digits: Path) -> None:
    """A training that stopped early says since when nothing was better, and which epoch was kept."""
    settings = (
        "--set",
        "early_stopping.patience=1",
        "--set",
        "optimizer.learning_rate=0.5",
        "--set",
        "epochs=50",
    )
    done = optotype("train", digits, *QUICK, *settings, "--json")
    assert done.returncode == 0, done.stdout
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["epochs"] < 50
    assert result["kept_epoch"] == result["epochs"] - 1
    again = optotype("train", digits, *QUICK, *settings)
    assert re.search(rf"stopped early: .*val_loss.* epoch {result['kept_epoch']}\b", again.stdout)


def test_pictures_are_added(optotype: Command, digits: Path, trained: Path, tmp_path: Path) -> None:
    """--add says what it adds and from where; the run is judged, listed and compared with one without."""
    write_pictures(tmp_path / "new", *pictures(20, 8))
    done = optotype("train", digits, *QUICK, "--add", "new", "--out", "runs/more")
    assert done.returncode == 0, done.stderr
    assert "digits: 620 training images" in done.stdout
    assert f"20 pictures of 10 classes added from {tmp_path / 'new'}, to train only" in done.stdout
    assert "n = 100, 95 % interval" in done.stdout
    judged = json.loads(optotype("judge", "runs/more", "--json").stdout)
    assert {name: each["n"] for name, each in judged["splits"].items()} == {
        "train": 520,
        "validation": 100,
        "test": 200,
    }
    assert "digits +20" in optotype("runs").stdout
    compared = optotype("compare", trained, "runs/more")
    assert compared.returncode == 0, compared.stderr
    assert "A 0, B 20. A verdict is about these too." in compared.stdout
    write_pictures(tmp_path / "new", *pictures(21, 9))
    changed = optotype("judge", "runs/more")
    assert changed.returncode == 1
    assert "21 now, expected the 20 that were in" in changed.stderr
    wrong = optotype("train", digits, *QUICK, "--add", "nowhere")
    assert wrong.returncode == 1
    assert "There is no folder" in wrong.stderr


def test_help_loads_nothing_heavy() -> None:
    """`optotype --help` and --version answer without numpy, matplotlib, pydantic, Pillow or the engine."""
    program = """
import sys
from optotype.cli.main import run
for word in ("--help", "--version"):
    try:
        run([word])
    except SystemExit:
        pass
heavy = {"numpy", "matplotlib", "pydantic", "PIL", "safetensors", "optotype.engine._core"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_is_judged_on_new_pictures(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """Another source is judged as new, and kept in a folder of its own; the run's judgement is not touched."""
    kept = trained / "judgement.json"
    before = kept.read_bytes() if kept.exists() else None
    folder = write_folder(tmp_path / "more", 60, 20)
    done = optotype("judge", trained, "--data", folder, "--robust")
    assert done.returncode == 0, done.stderr
    *_, verdict, written, report = done.stdout.splitlines()
    assert verdict.startswith("new images: accuracy ")
    assert "n = 80" in verdict
    assert "robustness   rotated (degrees): " in done.stdout
    assert written == "judgement    judged-digits-more/judgement.json"
    assert report == "report       judged-digits-more/report.html"
    judged = json.loads((tmp_path / "judged-digits-more" / "judgement.json").read_bytes())
    assert (judged["target"], judged["data"], judged["on"]) == ("digits", "more", "new")
    assert (kept.read_bytes() if kept.exists() else None) == before
    letters = write(tmp_path / "letters", names(10, ("a", "b")), mode="L")
    wrong = optotype("judge", trained, "--data", letters)
    assert wrong.returncode == 1
    assert "classes that the model does not know" in wrong.stderr
