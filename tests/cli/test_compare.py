"""`optotype compare` and `optotype runs`: what they print and write."""

import json
from pathlib import Path

import pytest

from optotype.data.load import load
from optotype.engine.optimizers import Adam
from optotype.judging.judge import judge
from optotype.training.train import train
from tests.cli.conftest import Command
from tests.training.samples import recipe, write_folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a poor model and a good one, and judge the good one."""
    top = tmp_path_factory.mktemp("cli")
    data = load(write_folder(top / "digits", 300, 120))
    train(data, recipe(epochs=1, validation=120, optimizer=Adam(1e-5)), out=top / "runs" / "poor")
    judge(train(data, recipe(epochs=4, validation=120, seed=1), out=top / "runs" / "good"))
    return top


@pytest.fixture
def command(command: Command, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Give a function that runs optotype where the runs are."""
    monkeypatch.chdir(trained)
    return command


def test_a_comparison_is_printed_and_written(command: Command) -> None:
    """Models, notes and the verdict are printed; the page and the JSON file lie in a folder that says whose it is."""
    done = command("compare", "runs/poor", "runs/good")
    assert (done.code, done.err) == (0, "")
    first, *_, verdict, page, kept = done.out.splitlines()
    assert first == "digits, 120 validation images"
    assert verdict.startswith("B is better than A: +")
    folder = Path("compare-poor-good")
    assert (page.split()[1], kept.split()[1]) == (f"{folder}/comparison.html", f"{folder}/comparison.json")
    assert verdict[1:] in (folder / "comparison.html").read_text(encoding="utf-8")
    assert json.loads((folder / "comparison.json").read_text())["pairs"][0]["verdict"] == verdict
    assert (folder / ".optotype").exists()
    for words in ("poor", "good", "small", "at least 5 seeds"):
        assert words in done.out


def test_many_verdicts_are_summed_up(command: Command, trained: Path, tmp_path: Path) -> None:
    """With more pairs than can be read, one sentence counts those that can be told apart; recipes keep theirs."""
    for name in "abcdef":
        (tmp_path / name).mkdir()
        for file in (trained / "runs" / "good").glob("*.*"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    copies = [str(tmp_path / name) for name in "abcdef"]
    done = command("compare", "runs/poor", *copies, "--out", str(tmp_path / "out"))
    assert "of 21 pairs of models 6 can be told apart" in done.out
    assert "is better than" not in done.out


def test_json_is_one_object(command: Command, tmp_path: Path) -> None:
    """With --json the comparison is printed as it is kept, with the places of the files."""
    done = command(
        "compare", "runs/poor/model.safetensors", "runs/good", "--json", "--out", str(tmp_path / "x")
    )
    said = json.loads(done.out)
    kept = json.loads((tmp_path / "x" / "comparison.json").read_text())
    assert said == {
        **kept,
        "page": str(tmp_path / "x/comparison.html"),
        "kept": str(tmp_path / "x/comparison.json"),
    }


def test_on_test_says_that_it_opened(command: Command, trained: Path) -> None:
    """--on test is an opening, counted once and said."""
    before = len((trained / "runs" / "test-openings.jsonl").read_text().splitlines())
    done = command("compare", "runs/poor", "runs/good", "--on", "test")
    assert f"opening {before + 1} of this test set" in done.out
    assert len((trained / "runs" / "test-openings.jsonl").read_text().splitlines()) == before + 1


@pytest.mark.parametrize(
    "words", [("compare", "runs/poor", "runs/good", "--on", "test"), ("judge", "copy.safetensors")]
)
def test_nothing_is_opened_for_what_cannot_be_kept(
    command: Command, trained: Path, words: tuple[str, ...]
) -> None:
    """A run's folder, or a file, in place of the folder to be written is refused while the test set is closed."""
    (trained / "copy.safetensors").write_bytes((trained / "runs/good/model.safetensors").read_bytes())
    before = (trained / "runs" / "test-openings.jsonl").read_bytes()
    for out, why in (("runs/good", "is a run"), ("copy.safetensors", "cannot be written to")):
        done = command(*words, "--out", out)
        assert (done.code, why in done.err) == (1, True)
    assert (trained / "runs" / "test-openings.jsonl").read_bytes() == before


def test_a_terminal_shows_the_same(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, while it is said what is being done, the verdict comes out the same."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    done = command("compare", "runs/poor", "runs/good")
    assert done.code == 0
    assert "B is better than A" in done.out


def test_what_cannot_be_compared_is_an_error(command: Command) -> None:
    """One target, a wrong split, and the same target twice end in a sentence."""
    for arguments, code, said in (
        (["runs/good"], 1, "1 target was given"),
        (["runs/good", "runs/good"], 1, "A and B are both runs/good"),
        (["runs/good", "runs/poor", "--on", "train"], 2, "'train' is not one of"),
        ([], 2, "Missing argument"),
    ):
        done = command("compare", *arguments)
        assert done.code == code
        assert said in done.err


def test_runs_are_a_table(command: Command) -> None:
    """Each run is one line on a pipe, the newest first, with its test accuracy where it was judged."""
    done = command("runs")
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    rows = {line[0]: line for line in lines if line and line[0] in ("good", "poor")}
    assert rows["good"][1:5] == ["digits", "small", "1", "finished"]
    assert [rows["good"][place][:3] for place in (-6, -9)] == ["0.9", "0.9"]
    assert rows["poor"][-4] == "-"
    assert len({len(line) for line in done.out.splitlines()}) == 1


def test_runs_are_sorted(command: Command) -> None:
    """--sort brings the most accurate on validation to the top, or the longest; or goes by name or number."""
    for order, first in (("accuracy", "good"), ("seed", "poor"), ("recipe", "poor")):
        listed = json.loads(command("runs", "--sort", order, "--json").out)["runs"]
        assert listed[0]["name"] == first, order
    # Which took longer is for the machine to say.
    times = [each["seconds"] for each in json.loads(command("runs", "--sort", "time", "--json").out)["runs"]]
    assert times == sorted(times, reverse=True)
    assert command("runs", "--sort", "test").code == 2


def test_runs_as_json(command: Command) -> None:
    """Each run is an object with its numbers; nothing is opened for it."""
    (poor,) = [each for each in json.loads(command("runs", "--json").out)["runs"] if each["name"] == "poor"]
    assert poor["test_accuracy"] is None
    assert poor["path"] == "runs/poor"
    validation = poor["validation_accuracy"]
    assert 0 <= validation["low"] <= validation["value"] <= validation["high"] <= 1
    again = json.loads(command("runs", "--json").out)["runs"]
    assert {each["test_openings"] for each in again} == {poor["test_openings"]}


def test_damaged_and_older_runs_are_told(command: Command, tmp_path: Path, trained: Path) -> None:
    """A run that cannot be read, or was judged by an older version, is named with what to do, and harms no other."""
    for name in ("poor", "good"):
        (tmp_path / name).mkdir()
        for file in (trained / "runs" / name).glob("*.*"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "good" / "judgement.json").write_text('{"splits": {}}')
    (tmp_path / "poor" / "model.safetensors").write_bytes(b"damaged")
    (tmp_path / "\x1b[31mred").mkdir()
    (tmp_path / "\x1b[31mred" / "run.json").write_text("[")
    done = command("runs", str(tmp_path))
    assert done.code == 0
    assert "good: The judgement has format None" in done.out
    assert "2 runs cannot be read:" in done.out
    assert "\x1b" not in done.out
    assert len(json.loads(command("runs", str(tmp_path), "--json").out)["damaged"]) == 2


def test_no_runs_are_no_error(command: Command, tmp_path: Path) -> None:
    """An empty folder holds no run yet; a missing one is an error."""
    assert "There is no run in" in command("runs", str(tmp_path)).out
    assert command("runs", str(tmp_path / "none")).code == 1
