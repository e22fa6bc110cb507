"""A folder of one's own pictures, from the command line."""

from pathlib import Path

import pytest

from optotype.runs.run import Run
from tests.data.picture_files import names, write
from tests.end_to_end.conftest import Command

QUICK = ("--recipe", "mlp-32-16", "--set", "epochs=1", "--set", "validation=0.2")


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a folder of 40 pictures, with a cache of its own."""
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))
    return write(tmp_path / "pets", names(20))


def test_a_folder_is_trained_and_judged(optotype: Command, pets: Path, tmp_path: Path) -> None:
    """Pictures are brought to the size asked for, a fifth is sealed, and judging loads the same data again."""
    done = optotype("train", pets.name, *QUICK, "--size", 9, "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "pets: 32 training images of 9x9x3, 2 classes" in done.stdout
    judged = optotype("judge", tmp_path / "run", cwd=Path("/"))
    assert judged.returncode == 0, judged.stderr
    assert "n = 8, opening 1" in judged.stdout


def test_bad_files_stop_the_training_or_are_left_out(optotype: Command, pets: Path, tmp_path: Path) -> None:
    """Bad files are listed and nothing is trained; skipped, they are told, and listed in the run."""
    (pets / "cat" / "broken.png").write_text("no picture")
    stopped = optotype("train", pets, *QUICK, "--out", "run")
    assert stopped.returncode == 1
    assert "1 file of " in stopped.stderr
    assert "  cat/broken.png cannot be decoded as an image" in stopped.stderr
    assert "--on-bad skip" in stopped.stderr
    assert not (tmp_path / "run").exists()
    done = optotype("train", pets, *QUICK, "--on-bad", "skip", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "left out: 1 file, listed in the run's skipped.json; the first is cat/broken.png" in done.stdout
    assert [each.file for each in Run.open(tmp_path / "run").skipped] == ["cat/broken.png"]
    assert optotype("judge", "run").returncode == 0


def test_impossible_sizes_are_refused(optotype: Command, pets: Path) -> None:
    """A size out of range is named with the range."""
    done = optotype("train", pets, "--size", 500)
    assert done.returncode == 1
    assert "500" in done.stderr
    assert "8 to 128" in done.stderr
