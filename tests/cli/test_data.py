"""`optotype data`: its output and its files."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optotype.checking.check import check
from optotype.checking.findings import RescoredRun
from optotype.cli import main
from optotype.data.load import load
from optotype.data.openings import LOG_NAME
from optotype.metrics import proportion
from tests.data.picture_files import names, write
from tests.training.samples import write_folder

Command = Callable[..., str]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs `optotype data`, by default on 200 images, in a temporary folder."""
    write_folder(tmp_path / "digits", 200, 60)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))

    def call(*arguments: str, source: str = "digits", code: int = 0) -> str:
        with pytest.raises(SystemExit) as exit_info:
            main.run(["data", source, *arguments])
        captured = capsys.readouterr()
        assert exit_info.value.code == code
        return captured.err if code else captured.out

    return call


def test_overview_leaves_the_test_set_sealed(command: Command) -> None:
    """Splits, sizes, pixels, licence and one line per class are printed, a sheet is written, nothing is opened."""
    output = command()
    for text in (
        "200 images",
        "60 images, sealed",
        "28 x 28 pixels, grey",
        "mean 0.",
        "not stated",
        "sha256:",
    ):
        assert text in output
    assert output.count(" 20 ") == 10
    assert Path("data-digits/sheet.png").read_bytes().startswith(b"\x89PNG")
    assert not Path("runs").exists()


def test_json_is_one_object(command: Command) -> None:
    """With --json the same facts are one object, which contains the findings if there was a check."""
    plain = json.loads(command("--json"))
    assert plain["splits"] == {"train": 200, "validation": None, "test": 60}
    assert plain["check"] is None
    checked = json.loads(command("--json", "--check", "--sealed", "--out", "elsewhere"))
    assert checked["check"]["images"] == 200
    assert checked["sheet"] == "elsewhere/sheet.png"


def test_check_writes_a_verdict_a_file_and_a_page(command: Command) -> None:
    """--check prints the verdict, writes findings and page, and reports that it opened the test set."""
    output = command("--check")
    findings = json.loads(Path("data-digits/check.json").read_text(encoding="utf-8"))
    assert findings["verdict"] in output
    assert "opening 1 of this test set" in output
    assert findings["verdict"] in Path("data-digits/check.html").read_text(encoding="utf-8")
    assert len((Path("runs") / LOG_NAME).read_text(encoding="utf-8").splitlines()) == 1


def test_score_without_suspicious_images_comes_with_a_warning(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If judged runs are scored without the suspicious images, a line warns that this score is too high."""
    findings = replace(
        check(load("digits")), rescored_runs=(RescoredRun("a", 9, proportion(8, 9), 8, proportion(8, 8)),)
    )
    monkeypatch.setattr(sys.modules["optotype.checking.check"], "check", lambda *_, **__: findings)
    *_, score, warning, _, _, _ = command("--check").splitlines()
    assert score.startswith("a: accuracy 0.8889")
    assert warning.endswith("The true accuracy lies between the two values.")


def test_image_files_are_loaded_as_for_training(command: Command) -> None:
    """--size, --on-bad and --rehash work as for `train`; skipped files are listed with their reasons."""
    write(Path("pets"), names(20))
    broken = [f"cat/broken{number}.png" for number in range(25)]
    for file in broken:
        Path("pets", file).write_text("no picture")
    assert "--on-bad skip" in command(source="pets", code=1)
    output = command("--on-bad", "skip", "--size", "9", "--rehash", source="pets")
    assert "9 x 9 pixels, RGB" in output
    assert "10 to 10 pixels high, 12 to 12 pixels wide; resized" in output
    assert "25 unreadable files" in output
    assert sum(line.startswith("  cat/broken") for line in output.splitlines()) == 20
    assert "and 5 more" in output
    values = json.loads(command("--on-bad", "skip", "--check", "--sealed", "--json", source="pets"))
    assert {skipped["file"] for skipped in values["skipped"]} == set(broken)
    assert len(values["check"]["findings"]["unreadable"]) == 25


def test_augmented_images_are_drawn(command: Command) -> None:
    """--augment takes the settings of "augment" in --set, and prints the file and the augmentation."""
    output = command("--augment", "shift=2", "--augment", "flip=true")
    assert "augmented    data-digits/augmented.png: shift 2, flip" in output
    assert Path("data-digits/augmented.png").read_bytes().startswith(b"\x89PNG")
    augmented = json.loads(command("--augment", "{rotation = 10}", "--json"))["augmented"]
    assert augmented["augment"]["rotation"] == 10
    assert augmented["sheet"] == "data-digits/augmented.png"


def test_auto_prints_its_choice_and_the_reasons(command: Command) -> None:
    """With too few images "auto" chooses no augmentation and prints the reason; nothing is drawn."""
    lines = command("--augment", "auto").splitlines()
    place = lines.index("augmented    nothing: no augmentation")
    assert lines[place + 1].startswith("  180 training images")
    augmented = json.loads(command("--augment", "auto", "--json"))["augmented"]
    assert (augmented["augment"], augmented["sheet"], augmented["auto"]["chosen"]) == (None, None, None)
    assert not Path("data-digits/augmented.png").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("shft=2", "shft"), ("shift=wide", "wide"), ("shift=28", "28 x 28"), ("on", "'on'")],
)
def test_invalid_augmentation_is_an_error(command: Command, setting: str, value: str) -> None:
    """An unknown setting or an impossible value is an error that names it."""
    assert value in command("--augment", setting, code=1)


def test_sealed_requires_check(command: Command) -> None:
    """--sealed without --check is a usage error."""
    assert "--sealed" in command("--sealed", code=2)


def test_output_folder_that_is_a_file_is_an_error(command: Command) -> None:
    """If the output folder is a file, the message names it."""
    Path("data-digits").write_text("")
    assert "data-digits" in command(code=1)


def test_written_images_are_not_part_of_the_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the folder of the images the command prints the same twice, although it wrote its sheet there."""
    monkeypatch.chdir(write(tmp_path / "pets", names(5)))
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))
    outputs = []
    for _ in range(2):
        with pytest.raises(SystemExit, match="0"):
            main.run(["data", ".", "--json"])
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert Path("data-pets/sheet.png").exists()
