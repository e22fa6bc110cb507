"""Bad input to the installed command: a message and an exit code, never a traceback."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import QUICK, Command, Result
from tests.training.samples import pictures, write_folder, write_idx


def _check_error(result: Result, *texts: str, code: int = 1) -> None:
    """Check the exit code and that there is a single message on standard error."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "\x1b" not in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    for text in texts:
        assert text in result.stderr


def _check_bad_image(result: Result, name: str) -> None:
    """Check that a single bad image is listed with a reason, then counted."""
    assert (result.returncode, result.stdout) == (1, "")
    assert "\x1b" not in result.stderr
    line, count = result.stderr.splitlines()
    assert line.startswith(f"{name} ")
    assert line.removeprefix(f"{name} ")
    assert count.startswith("Error: 1 of 1 images cannot be used")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["train", "nowhere"], "nowhere"),
        (["train", "mnits"], "Did you mean 'mnist'?"),
        (["train", "mnist", "--recipe", "cnn-smal"], "Did you mean 'cnn-small'?"),
        (["train", "mnist", "--recipe", "missing.toml"], "missing.toml"),
        (["train", "mnist", "--set", "epoch=3"], "Did you mean 'epochs'?"),
        (["train", "mnist", "--set", "optimizer.learning_rat=1"], "learning_rate"),
        (["train", "mnist", "--set", "epochs=many"], "epochs"),
        (["train", "mnist", "--set", "validation=60000"], "60000"),
        (["judge", "nowhere"], "nowhere"),
        (["predict", "nowhere", "a.png"], "nowhere"),
        (["export", "nowhere", "--format", "npz"], "nowhere"),
        (["recipes", "nothing"], "nothing"),
    ],
)
def test_unknown_names_are_errors(optotype: Command, arguments: list[str], text: str) -> None:
    """The message quotes the missing file, unknown name or wrong key, or suggests the most similar known name."""
    _check_error(optotype(*arguments), text)


def _no_labels(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte").unlink()


def _truncated(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:1000])


def _label_out_of_range(folder: Path) -> None:
    labels = pictures(200, 1)[1].astype(np.uint8)
    labels[17] = 200
    write_idx(folder / "train-labels-idx1-ubyte", labels)


def _empty(folder: Path) -> None:
    write_idx(folder / "train-images-idx3-ubyte", np.zeros((0, 28, 28), np.uint8))
    write_idx(folder / "train-labels-idx1-ubyte", np.zeros(0, np.uint8))


def _one_class(folder: Path) -> None:
    write_idx(folder / "train-labels-idx1-ubyte", np.zeros(200, np.uint8))
    write_idx(folder / "t10k-labels-idx1-ubyte", np.zeros(60, np.uint8))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_no_labels, "train-labels-idx1-ubyte"),
        (_truncated, "train-images-idx3-ubyte"),
        (_label_out_of_range, "200"),
        (_empty, "contains 0 images"),
        (_one_class, "have the class 0"),
    ],
)
def test_damaged_data_set_is_an_error(
    optotype: Command, tmp_path: Path, damage: Callable[[Path], None], text: str
) -> None:
    """A missing or truncated file, a label out of range, no image and a single class are errors before training."""
    damage(write_folder(tmp_path / "data", 200, 60))
    _check_error(optotype("train", "data", *QUICK), text)
    assert not (tmp_path / "runs").exists()


def test_diverged_training_is_an_error(optotype: Command, digits: Path) -> None:
    """A learning rate of 1e30 stops training with epoch, step and rate; the run cannot be judged or used."""
    settings = ("--recipe", "mlp-32-16", "--set", "optimizer.learning_rate=1e30")
    train = optotype("train", digits, *settings, "--out", "run")
    _check_error(train, "epoch 1", "step 2", "1e+30")
    _check_error(optotype("judge", "run"), "run diverged")
    _check_error(optotype("predict", "run", "a.png"), "no model")


def test_non_empty_run_folder_is_not_changed(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """An --out folder with files is an error and is not changed."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    _check_error(optotype("train", digits, *QUICK, "--out", "mine"), "mine")
    _check_error(optotype("train", digits, *QUICK, "--out", "mine/thesis.txt"), "thesis.txt")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_damaged_model_file_is_an_error(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A truncated, an empty and an unrelated file cannot be judged or used for predictions."""
    content = (trained / "model.safetensors").read_bytes()
    for name, damaged in (("cut", content[:-100]), ("empty", b""), ("foreign", b"\x00\xff" * 500)):
        (tmp_path / name).write_bytes(damaged)
        _check_error(optotype("judge", name), name)
        _check_error(optotype("predict", name, "a.png"), name)


def test_unreadable_image_is_listed(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A missing file and a file that is not an image are listed with the reason."""
    (tmp_path / "note.png").write_text("not a picture")
    _check_bad_image(optotype("predict", trained, "missing.png"), "missing.png")
    _check_bad_image(optotype("predict", trained, "note.png"), "note.png")


def test_unusual_file_names_are_printed(optotype: Command, trained: Path) -> None:
    """A file name is never read as markup, and a name that is not UTF-8 is escaped."""
    _check_bad_image(optotype("predict", trained, "[red]x[/red].png"), "[red]x[/red].png")
    not_utf8 = b"\xff.png".decode(errors="surrogateescape")
    _check_bad_image(optotype("predict", trained, not_utf8), "\\xff.png")


def test_runs_folder_that_is_a_file_is_an_error(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """If runs/ is a file, the message names it."""
    (tmp_path / "runs").write_text("")
    _check_error(optotype("train", digits, *QUICK), "runs")
