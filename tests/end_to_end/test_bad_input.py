"""Bad input, each kind once through the installed command: a sentence and an exit code, never a traceback."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import QUICK, Command, Done
from tests.training.samples import pictures, write_folder, write_idx


def _refused(done: Done, *said: str, code: int = 1) -> None:
    """Hold an outcome against what it must be: this exit code and, on the standard error, one plain message."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "\x1b" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    for words in said:
        assert words in done.stderr


def _listed(done: Done, said: str) -> None:
    """Hold an outcome against what a picture that cannot be used is answered with: its own line, then the count."""
    assert (done.returncode, done.stdout) == (1, "")
    assert "\x1b" not in done.stderr
    line, count = done.stderr.splitlines()
    assert line.startswith(said)
    assert count.startswith("Error: 1 of 1 pictures cannot be used")


@pytest.mark.parametrize(
    ("arguments", "said"),
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
def test_what_is_not_there_is_named(optotype: Command, arguments: list[str], said: str) -> None:
    """Missing files, unknown names and wrong keys are quoted, and the nearest known name is suggested."""
    _refused(optotype(*arguments), said)


def _no_labels(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte").unlink()


def _cut_short(folder: Path) -> None:
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
    ("spoil", "said"),
    [
        (_no_labels, "train-labels-idx1-ubyte"),
        (_cut_short, "train-images-idx3-ubyte"),
        (_label_out_of_range, "200"),
        (_empty, "contains 0 images"),
        (_one_class, "have the class 0"),
    ],
)
def test_a_spoilt_data_set_is_explained(
    optotype: Command, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    """A missing or torn file, a label out of range, no image and a single class are each refused before training."""
    spoil(write_folder(tmp_path / "data", 200, 60))
    _refused(optotype("train", "data", *QUICK), said)
    assert not (tmp_path / "runs").exists()


def test_a_loss_that_is_no_number_is_explained(optotype: Command, digits: Path) -> None:
    """A learning rate of 1e30 stops training, with epoch, step and rate; the run is refused afterwards."""
    settings = ("--recipe", "mlp-32-16", "--set", "optimizer.learning_rate=1e30")
    _refused(
        optotype("train", digits, *settings, "--out", "run"), "epoch 1 at step 2 of 19", "1e+30", "no model"
    )
    _refused(optotype("judge", "run"), "run diverged after 0 whole epochs")
    _refused(optotype("predict", "run", "a.png"), "no model")


def test_a_run_folder_in_the_way_is_left_alone(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """An --out that holds something is refused, and stays as it is."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    _refused(optotype("train", digits, *QUICK, "--out", "mine"), "mine is not empty")
    _refused(optotype("train", digits, *QUICK, "--out", "mine/thesis.txt"), "thesis.txt")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_damaged_model_file_is_refused(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A cut, an empty and a foreign file are no models, to judge and to predict."""
    content = (trained / "model.safetensors").read_bytes()
    for name, spoilt in (("cut", content[:-100]), ("empty", b""), ("foreign", b"\x00\xff" * 500)):
        (tmp_path / name).write_bytes(spoilt)
        _refused(optotype("judge", name), f"model file {name}")
        _refused(optotype("predict", name, "a.png"), f"model file {name}")


def test_a_picture_that_cannot_be_read_is_named(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A missing picture and a file that is none are named; a good one beside them does not hide it."""
    (tmp_path / "note.png").write_text("not a picture")
    _listed(optotype("predict", trained, "missing.png"), "missing.png is not a file")
    _listed(optotype("predict", trained, "note.png"), "note.png cannot be decoded as an image")


def test_names_with_brackets_and_odd_bytes_are_only_names(optotype: Command, trained: Path) -> None:
    """A file name is never read as markup, and one that is not UTF-8 is no error of its own."""
    _listed(optotype("predict", trained, "[red]x[/red].png"), "[red]x[/red].png matches no file")
    _listed(
        optotype("predict", trained, b"\xff.png".decode(errors="surrogateescape")), "\\xff.png is not a file"
    )


def test_a_folder_that_cannot_be_written_is_named(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """A runs folder that is a file is explained."""
    (tmp_path / "runs").write_text("")
    _refused(optotype("train", digits, *QUICK), "runs")
