"""`optotype compare` and `optotype runs`: their output and their files."""

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
    folder = tmp_path_factory.mktemp("cli")
    data = load(write_folder(folder / "digits", 300, 120))
    train(data, recipe(epochs=1, validation=120, optimizer=Adam(1e-5)), out=folder / "runs" / "poor")
    judge(train(data, recipe(epochs=4, validation=120, seed=1), out=folder / "runs" / "good"))
    return folder


@pytest.fixture
def command(command: Command, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs optotype in the folder with the runs."""
    monkeypatch.chdir(trained)
    return command


def test_comparison_is_printed_and_written(command: Command) -> None:
    """Models, notes and the verdict are printed; page and JSON file are in a folder that is marked as optotype's."""
    result = command("compare", "runs/poor", "runs/good")
    assert (result.code, result.err) == (0, "")
    first, *_, verdict, report, comparison = result.out.splitlines()
    assert first == "digits, 120 validation images"
    assert verdict.startswith("B is better than A: +")
    folder = Path("compare-poor-good")
    assert report.split() == ["report", f"{folder}/comparison.html"]
    assert comparison.split() == ["comparison", f"{folder}/comparison.json"]
    assert verdict[1:] in (folder / "comparison.html").read_text(encoding="utf-8")
    assert json.loads((folder / "comparison.json").read_text())["pairs"][0]["verdict"] == verdict
    assert (folder / ".optotype").exists()
    for text in ("poor", "good", "small", "at least 5 seeds"):
        assert text in result.out


def test_many_verdicts_are_summarized(command: Command, trained: Path, tmp_path: Path) -> None:
    """With too many pairs to read, one sentence counts those that differ significantly."""
    for name in "abcdef":
        (tmp_path / name).mkdir()
        for file in (trained / "runs" / "good").glob("*.*"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    copies = [str(tmp_path / name) for name in "abcdef"]
    result = command("compare", "runs/poor", *copies, "--out", str(tmp_path / "out"))
    assert "6 of 21 pairs of models differ significantly" in result.out
    assert "is better than" not in result.out


def test_json_is_one_object(command: Command, tmp_path: Path) -> None:
    """With --json the comparison is printed as it is saved, with the paths of the files."""
    result = command(
        "compare", "runs/poor/model.safetensors", "runs/good", "--json", "--out", str(tmp_path / "x")
    )
    printed = json.loads(result.out)
    saved = json.loads((tmp_path / "x" / "comparison.json").read_text())
    assert printed == {
        **saved,
        "report": str(tmp_path / "x/comparison.html"),
        "comparison": str(tmp_path / "x/comparison.json"),
    }


def test_comparison_on_test_reports_the_opening(command: Command, trained: Path) -> None:
    """--on test opens the test set: one opening is counted and its number is printed."""
    before = len((trained / "runs" / "test-openings.jsonl").read_text().splitlines())
    result = command("compare", "runs/poor", "runs/good", "--on", "test")
    assert f"opening {before + 1} of this test set" in result.out
    assert len((trained / "runs" / "test-openings.jsonl").read_text().splitlines()) == before + 1


@pytest.mark.parametrize(
    "arguments", [("compare", "runs/poor", "runs/good", "--on", "test"), ("judge", "copy.safetensors")]
)
def test_unwritable_output_does_not_open_the_test_set(
    command: Command, trained: Path, arguments: tuple[str, ...]
) -> None:
    """A run folder or a file as the output folder is rejected while the test set is still sealed."""
    (trained / "copy.safetensors").write_bytes((trained / "runs/good/model.safetensors").read_bytes())
    before = (trained / "runs" / "test-openings.jsonl").read_bytes()
    for out in ("runs/good", "copy.safetensors"):
        result = command(*arguments, "--out", out)
        assert (result.code, out in result.err) == (1, True)
    assert (trained / "runs" / "test-openings.jsonl").read_bytes() == before


def test_terminal_shows_the_same_verdict(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, with its status line, the verdict is the same."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    result = command("compare", "runs/poor", "runs/good")
    assert result.code == 0
    assert "B is better than A" in result.out


def test_invalid_comparisons_are_errors(command: Command) -> None:
    """A single target, an unknown split, the same target twice and no target are errors that name the value."""
    for arguments, code, text in (
        (["runs/good"], 1, "1 "),
        (["runs/good", "runs/good"], 1, "runs/good"),
        (["runs/good", "runs/poor", "--on", "train"], 2, "'train'"),
        ([], 2, "TARGET"),
    ):
        result = command("compare", *arguments)
        assert result.code == code
        assert text in result.err


def test_runs_are_a_table(command: Command) -> None:
    """Each run is one line on a pipe, newest first, with its test accuracy if it was judged."""
    result = command("runs")
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    rows = {line[0]: line for line in lines if line and line[0] in ("good", "poor")}
    assert rows["good"][1:5] == ["digits", "small", "1", "finished"]
    assert [rows["good"][index][:3] for index in (-6, -9)] == ["0.9", "0.9"]
    assert rows["poor"][-4] == "-"
    assert len({len(line) for line in result.out.splitlines()}) == 1


def test_runs_are_sorted(command: Command) -> None:
    """--sort orders by validation accuracy or time, largest first, or by name or number."""
    for order, first in (("accuracy", "good"), ("seed", "poor"), ("recipe", "poor")):
        runs = json.loads(command("runs", "--sort", order, "--json").out)["runs"]
        assert runs[0]["name"] == first, order
    # Which of the two trained longer depends on the machine.
    times = [run["seconds"] for run in json.loads(command("runs", "--sort", "time", "--json").out)["runs"]]
    assert times == sorted(times, reverse=True)
    assert command("runs", "--sort", "test").code == 2


def test_runs_as_json(command: Command) -> None:
    """Each run is an object with its numbers; listing does not open the test set."""
    (poor,) = [run for run in json.loads(command("runs", "--json").out)["runs"] if run["name"] == "poor"]
    assert poor["test_accuracy"] is None
    assert poor["path"] == "runs/poor"
    validation = poor["validation_accuracy"]
    assert 0 <= validation["low"] <= validation["value"] <= validation["high"] <= 1
    again = json.loads(command("runs", "--json").out)["runs"]
    assert {run["test_openings"] for run in again} == {poor["test_openings"]}


def test_damaged_and_older_runs_are_listed(command: Command, tmp_path: Path, trained: Path) -> None:
    """A damaged run, or one judged by an older version, is listed with what to do; the other runs are unaffected."""
    for name in ("poor", "good"):
        (tmp_path / name).mkdir()
        for file in (trained / "runs" / name).glob("*.*"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "good" / "judgement.json").write_text('{"splits": {}}')
    (tmp_path / "poor" / "model.safetensors").write_bytes(b"damaged")
    (tmp_path / "\x1b[31mred").mkdir()
    (tmp_path / "\x1b[31mred" / "run.json").write_text("[")
    result = command("runs", str(tmp_path))
    assert result.code == 0
    assert any(line.startswith("good: ") and "format None" in line for line in result.out.splitlines())
    assert "2 runs cannot be read:" in result.out
    assert "\x1b" not in result.out
    assert len(json.loads(command("runs", str(tmp_path), "--json").out)["damaged"]) == 2


def test_empty_folder_is_not_an_error(command: Command, tmp_path: Path) -> None:
    """A folder without runs is not an error; a missing folder is."""
    result = command("runs", str(tmp_path))
    assert (result.code, str(tmp_path) in result.out) == (0, True)
    assert command("runs", str(tmp_path / "none")).code == 1
