"""`optotype data`: what it prints and writes."""

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
    """Give a function that runs `optotype data`, by default on 200 images, in a working folder of its own."""
    write_folder(tmp_path / "digits", 200, 60)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))

    def call(*arguments: str, source: str = "digits", code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main.run(["data", source, *arguments])
        captured = capsys.readouterr()
        assert ended.value.code == code
        return captured.err if code else captured.out

    return call


def test_a_data_set_is_shown_and_its_test_stays_sealed(command: Command) -> None:
    """Splits, sizes, pixels, licence and a line for each class are printed, and a sheet is written, nothing opened."""
    said = command()
    for words in (
        "200 images",
        "60 images, sealed",
        "28 x 28 pixels, grey",
        "mean 0.",
        "not stated",
        "sha256:",
    ):
        assert words in said
    assert said.count(" 20 ") == 10
    assert Path("data-digits/sheet.png").read_bytes().startswith(b"\x89PNG")
    assert not Path("runs").exists()


def test_json_is_one_object(command: Command) -> None:
    """With --json the same facts are one object, with the findings in it where a check was asked for."""
    plain = json.loads(command("--json"))
    assert plain["splits"] == {"train": 200, "validation": None, "test": 60}
    assert plain["check"] is None
    checked = json.loads(command("--json", "--check", "--sealed", "--out", "elsewhere"))
    assert checked["check"]["images"] == 200
    assert checked["sheet"] == "elsewhere/sheet.png"


def test_a_check_leaves_a_verdict_a_file_and_a_page(command: Command) -> None:
    """--check prints the verdict, writes findings and page, and says that it opened the test images."""
    said = command("--check")
    found = json.loads(Path("data-digits/check.json").read_text(encoding="utf-8"))
    assert found["verdict"] in said
    assert "opening 1 of this test set" in said
    assert found["verdict"] in Path("data-digits/check.html").read_text(encoding="utf-8")
    assert len((Path("runs") / LOG_NAME).read_text(encoding="utf-8").splitlines()) == 1


def test_a_run_without_what_is_in_doubt_is_not_taken_for_better(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where judged runs are scored without the images in doubt, it is said that this flatters them."""
    found = replace(
        check(load("digits")), rescored_runs=(RescoredRun("a", 9, proportion(8, 9), 8, proportion(8, 8)),)
    )
    monkeypatch.setattr(sys.modules["optotype.checking.check"], "check", lambda *_, **__: found)
    *_, doubted, caution, _, _, _ = command("--check").splitlines()
    assert doubted.startswith("a: accuracy 0.8889")
    assert caution.endswith("the true accuracy lies between the two.")


def test_pictures_are_loaded_as_for_a_training(command: Command) -> None:
    """--size, --on-bad and --rehash mean what they mean to `train`; what was left out is listed with its reason."""
    write(Path("pets"), names(20))
    broken = [f"cat/broken{number}.png" for number in range(25)]
    for file in broken:
        Path("pets", file).write_text("no picture")
    assert "--on-bad skip" in command(source="pets", code=1)
    said = command("--on-bad", "skip", "--size", "9", "--rehash", source="pets")
    assert "9 x 9 pixels, RGB" in said
    assert "10 to 10 pixels high and 12 to 12 wide before" in said
    assert "25 files that cannot be used" in said
    assert said.count("cannot be decoded as an image") == 20
    assert "and 5 more" in said
    told = json.loads(command("--on-bad", "skip", "--check", "--sealed", "--json", source="pets"))
    assert {each["file"] for each in told["skipped"]} == set(broken)
    assert len(told["check"]["findings"]["unreadable"]) == 25


def test_augmented_images_are_drawn(command: Command) -> None:
    """--augment takes what --set takes behind "augment.", and says what it drew where."""
    said = command("--augment", "shift=2", "--augment", "flip=true")
    assert "augmented    data-digits/augmented.png: shift 2, flip" in said
    assert Path("data-digits/augmented.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(command("--augment", "{rotation = 10}", "--json"))["augmented"]
    assert told["augment"]["rotation"] == 10
    assert told["sheet"] == "data-digits/augmented.png"


def test_auto_says_what_it_chose_and_why(command: Command) -> None:
    """Too few images to choose by are augmented in no way, and that is said; nothing is drawn."""
    assert "augmented    no picture: nothing\n  180 training images are too few" in command(
        "--augment", "auto"
    )
    told = json.loads(command("--augment", "auto", "--json"))["augmented"]
    assert (told["augment"], told["sheet"], told["auto"]["chosen"]) == (None, None, None)
    assert not Path("data-digits/augmented.png").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [("shft=2", "shft"), ("shift=wide", "wide"), ("shift=28", "28 x 28"), ("on", "'on'")],
)
def test_an_impossible_augmentation_is_explained(command: Command, setting: str, words: str) -> None:
    """A setting that is unknown or cannot be met is an error that names it."""
    assert words in command("--augment", setting, code=1)


def test_sealed_needs_check(command: Command) -> None:
    """--sealed without --check is answered with what it means."""
    assert "--sealed" in command("--sealed", code=2)


def test_a_folder_in_the_way_is_an_error(command: Command) -> None:
    """Where the folder for what is written is a file, the message names it."""
    Path("data-digits").write_text("")
    assert "data-digits" in command(code=1)


def test_what_is_written_inside_a_data_set_is_no_class_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run in the folder of the pictures, the command says the same the second time, although its sheet lies there."""
    monkeypatch.chdir(write(tmp_path / "pets", names(5)))
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))
    told = []
    for _ in range(2):
        with pytest.raises(SystemExit, match="0"):
            main.run(["data", ".", "--json"])
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert Path("data-pets/sheet.png").exists()
