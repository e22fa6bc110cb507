"""A folder of image files and the installed command."""

from pathlib import Path

import pytest

from optotype.runs.run import Run
from tests.data.picture_files import names, write
from tests.end_to_end.conftest import Command

QUICK = ("--recipe", "mlp-32-16", "--set", "epochs=1", "--set", "validation=0.2")


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a folder of 40 images, with a separate cache."""
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))
    return write(tmp_path / "pets", names(20))


def test_folder_is_trained_and_judged(optotype: Command, pets: Path, tmp_path: Path) -> None:
    """Images are resized, a fifth of them is sealed, and judging loads the same data again."""
    result = optotype("train", pets.name, *QUICK, "--size", 9, "--out", "run")
    assert result.returncode == 0, result.stderr
    assert "pets: 32 training images of 9x9x3, 2 classes" in result.stdout
    judged = optotype("judge", tmp_path / "run", cwd=Path("/"))
    assert judged.returncode == 0, judged.stderr
    assert "n = 8, opening 1" in judged.stdout


def test_bad_files_stop_the_training_or_are_skipped(optotype: Command, pets: Path, tmp_path: Path) -> None:
    """By default bad files are listed and nothing is trained; with --on-bad skip the run lists them."""
    (pets / "cat" / "broken.png").write_text("no picture")
    stopped = optotype("train", pets, *QUICK, "--out", "run")
    assert stopped.returncode == 1
    assert "1 file of " in stopped.stderr
    assert "  cat/broken.png " in stopped.stderr
    assert "--on-bad skip" in stopped.stderr
    assert not (tmp_path / "run").exists()
    result = optotype("train", pets, *QUICK, "--on-bad", "skip", "--out", "run")
    assert result.returncode == 0, result.stderr
    assert (
        "skipped 1 unreadable file, listed in the run's skipped.json. The first: cat/broken.png "
        in result.stdout
    )
    assert [image.file for image in Run.open(tmp_path / "run").skipped] == ["cat/broken.png"]
    assert optotype("judge", "run").returncode == 0


def test_size_out_of_range_is_an_error(optotype: Command, pets: Path) -> None:
    """The message has the size and the valid range."""
    result = optotype("train", pets, "--size", 500)
    assert result.returncode == 1
    assert "500" in result.stderr
    assert "8 to 128" in result.stderr
