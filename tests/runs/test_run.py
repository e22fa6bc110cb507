"""The run folder: it holds what made the run, and tells the truth at any moment."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Addition, Options, Skipped
from optotype.data.splits import split_fingerprint, split_of, stratified_split
from optotype.errors import ModelError, RunError
from optotype.models.model import Model
from optotype.runs.environment import describe_environment
from optotype.runs.run import Run, find_target
from tests.models.samples import small_model
from tests.runs.samples import RECIPE, epoch, small_data, small_run

_TOP = Path(__file__).parents[2]


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_round_trip(tmp_path: Path) -> None:
    """Everything that is put into a run folder comes out of it again."""
    run = small_run(tmp_path / "a" / "run")
    run.record(epoch(1))
    run.record(epoch(2))
    run.keep(small_model(recipe=RECIPE))
    run.keep_curve("loss", b"png")
    run.write_judgement({"accuracy": 0.5})
    run.close("finished")
    opened = Run.open(tmp_path / "a" / "run")
    assert (opened.status, opened.name, opened.source) == ("finished", "run", "memory")
    assert opened.recipe == RECIPE
    assert opened.epochs == run.epochs == (epoch(1), epoch(2))
    assert opened.environment == run.environment
    assert opened.judgement == {"accuracy": 0.5}
    assert opened.data.fingerprint == small_data().fingerprint
    assert (opened.path / "loss.png").read_bytes() == b"png"
    np.testing.assert_array_equal(opened.model.weights["2.kernel"], run.model.weights["2.kernel"])
    opened.require_finished()


def test_what_was_skipped_is_in_the_run(tmp_path: Path) -> None:
    """Pictures that were left out are listed in the folder; where there are none, nothing is."""
    left = (Skipped("cat/1.png", "has 3 bytes"), Skipped("\u00e9.png", "is not a regular file"))
    data = replace(small_data(), skipped=left)
    split = stratified_split(data.labels, RECIPE.validation, RECIPE.split_seed)
    run = Run.create(tmp_path / "a", RECIPE, data, split, describe_environment("portable", 2, "fp32"))
    assert Run.open(run.path).skipped == left
    assert small_run(tmp_path / "b").skipped == ()
    assert not (tmp_path / "b" / "skipped.json").exists()


def test_a_run_from_before_there_was_a_precision(tmp_path: Path) -> None:
    """An old run folder, whose recipe names no precision, opens as a run in fp32."""
    run = small_run(tmp_path)
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    del recipe["precision"]
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    assert Run.open(run.path).recipe == RECIPE.override({"precision": "fp32"})


def test_split_round_trip(tmp_path: Path) -> None:
    """The split in the folder is the one that was carved, and has the fingerprint that carving gave it."""
    expected = stratified_split(small_data().labels, RECIPE.validation, RECIPE.split_seed)
    split = small_run(tmp_path / "run").split
    np.testing.assert_array_equal(split.train, expected.train)
    np.testing.assert_array_equal(split.validation, expected.validation)
    assert split.fingerprint == expected.fingerprint


def test_the_files(tmp_path: Path) -> None:
    """A finished run holds exactly the documented files, and no temporary one."""
    run = small_run(tmp_path)
    run.record(epoch(1))
    run.keep(small_model())
    run.close("finished")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "environment.json",
        "epochs.jsonl",
        "model.safetensors",
        "recipe.json",
        "run.json",
        "split.json",
    ]


def test_a_new_run_is_running(tmp_path: Path) -> None:
    """From its creation a run is marked as running in this process, and has no epoch, model or judgement."""
    run = small_run(tmp_path)
    opened = Run.open(tmp_path)
    assert (opened.status, opened.epochs, opened.judgement) == ("running", (), None)
    assert json.loads((tmp_path / "run.json").read_text())["pid"] == os.getpid()
    with pytest.raises(RunError, match=rf"is still running \(process {os.getpid()}\) after 0 whole epochs"):
        opened.require_finished()
    with pytest.raises(RunError, match="is running and kept no model"):
        _ = run.model


@pytest.mark.parametrize(
    ("status", "reason", "sentence"),
    [
        (
            "interrupted",
            "Ctrl-C",
            "was interrupted after 1 whole epochs (Ctrl-C), expected a finished run. Train again",
        ),
        (
            "diverged",
            "at\nstep 3",
            "diverged after 1 whole epochs (at step 3), expected a finished run. Train again",
        ),
        ("interrupted", "", "was interrupted after 1 whole epochs, expected a finished run."),
    ],
)
def test_unfinished(tmp_path: Path, status: str, reason: str, sentence: str) -> None:
    """A run that ended badly says how, why and after how many epochs, and what to do."""
    run = small_run(tmp_path)
    run.record(epoch(1))
    run.close(status, reason)  # type: ignore[arg-type]  # one of the three
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path).require_finished()
    assert sentence in str(caught.value)


def test_killed(tmp_path: Path) -> None:
    """A run whose process is killed stays running on disk, with whole epochs, and is refused as killed."""
    program = (
        "import sys, itertools; from pathlib import Path; from tests.runs.samples import epoch, small_run\n"
        "run = small_run(Path(sys.argv[1]))\n"
        "for number in itertools.count(1): run.record(epoch(number))"
    )
    folder = tmp_path / "run"
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, cwd=_TOP) as process:
        while not (folder / "epochs.jsonl").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    run = Run.open(folder)
    assert run.status == "running"
    assert run.epochs == tuple(epoch(number + 1) for number in range(len(run.epochs)))
    with pytest.raises(RunError, match=rf"was killed \(process {process.pid} is gone\)"):
        run.require_finished()


def test_on_another_machine(tmp_path: Path) -> None:
    """Of a run that is marked as running on another machine nobody can say more than that."""
    small_run(tmp_path)
    _edit(tmp_path / "run.json", host="elsewhere.example")
    with pytest.raises(RunError, match=r"is still running, or was killed, on elsewhere\.example"):
        Run.open(tmp_path).require_finished()


def test_closed_once(tmp_path: Path) -> None:
    """A run ends once; what it ended as stands."""
    run = small_run(tmp_path)
    run.close("interrupted")
    with pytest.raises(RunError, match="is interrupted already"):
        run.close("finished")
    assert Run.open(tmp_path).status == "interrupted"


def test_epochs_come_in_order(tmp_path: Path) -> None:
    """An epoch that was left out or repeated is refused."""
    run = small_run(tmp_path)
    run.record(epoch(1))
    for number in (1, 3):
        with pytest.raises(RunError, match="expected epoch 2"):
            run.record(epoch(number))
    assert run.epochs == (epoch(1),)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that holds anything is never taken for a new run, and stays as it was."""
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(RunError, match=r"is not empty, expected a new one: a run is never overwritten"):
        small_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(RunError, match="Cannot make the run folder"):
        small_run(tmp_path / "thesis.txt")


def test_the_source_and_its_options_are_kept(tmp_path: Path) -> None:
    """What `load` was given is in run.json as it was, even if its name is not valid UTF-8."""
    options = Options(size=48, on_bad="skip", add="/new")
    data = replace(small_data("caf\udce9"), options=options)
    split = stratified_split(data.labels, RECIPE.validation, RECIPE.split_seed)
    Run.create(tmp_path, RECIPE, data, split, describe_environment("portable", 2, "fp32"))
    assert json.loads((tmp_path / "run.json").read_text())["data"]["options"] == {
        "size": 48,
        "on_bad": "skip",
        "add": "/new",
    }
    assert Run.open(tmp_path).source == "caf\udce9"
    assert Run.open(tmp_path).data.options == options


def test_a_run_from_before_the_options_is_read(tmp_path: Path) -> None:
    """A run.json without options, as older versions wrote it, means the defaults."""
    run = small_run(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    for key in ("options", "added", "source_fingerprint"):
        del content["data"][key]
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert Run.open(tmp_path).data == run.data
    assert run.data.options == Options()
    assert run.data.of_source() == run.data


def test_what_was_added_is_kept(tmp_path: Path) -> None:
    """A run knows how many images were added, and the split and the fingerprint of the source without them."""
    plain = small_data()
    data = replace(
        plain,
        images=np.concatenate([plain.images, plain.images[:4]]),
        labels=np.concatenate([plain.labels, plain.labels[:4]]),
        options=Options(add="/new"),
        addition=Addition(("a", "b", "c", "d"), plain.fingerprint),
    )
    split = split_of(data, RECIPE.validation, RECIPE.split_seed)
    Run.create(tmp_path / "more", RECIPE, data, split, describe_environment("portable", 2, "fp32"))
    run, without = Run.open(tmp_path / "more"), small_run(tmp_path / "plain")
    assert (run.data.images, run.data.added, run.data.own_images) == (34, 4, 30)
    assert run.data.of_source() == without.data
    assert run.split.fingerprint == without.split.fingerprint
    assert run.split.train.tolist() == [*without.split.train, 30, 31, 32, 33]
    content = json.loads((tmp_path / "more" / "split.json").read_text())
    content["validation"][-1] = 30
    content["fingerprint"] = split_fingerprint(30, np.array(content["validation"]))
    (tmp_path / "more" / "split.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="lists image 30 of 30"):
        _ = run.split


@pytest.mark.parametrize(
    "wrong",
    [{"added": 1}, {"source_fingerprint": "sha256:0"}, {"added": 30, "source_fingerprint": "sha256:0"}],
)
def test_an_addition_to_nothing_is_damage(tmp_path: Path, wrong: dict[str, object]) -> None:
    """A run.json whose added images do not go with the others is refused."""
    small_run(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    content["data"].update(wrong)
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="added images need some that they were added to"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[]", "holds no JSON object"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"format": 2}', "has format 2, expected at most 1: it was made by a newer optotype. Upgrade"),
        ('{"format": 1}', "has a wrong 'created'"),
        ("\xff", "is not valid JSON"),
    ],
)
def test_damaged_run_json(tmp_path: Path, content: str, sentence: str) -> None:
    """A run.json that is damaged or newer is refused by name."""
    small_run(tmp_path)
    (tmp_path / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path)
    assert sentence in str(caught.value)
    assert str(tmp_path / "run.json") in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "fine"}, "has a wrong 'status'"),
        ({"pid": 0}, "has a wrong 'pid'"),
        ({"pid": 2**40}, "has a wrong 'pid'"),
        ({"surprise": 1}, "has a wrong 'surprise'"),
        ({"data": {}}, "has a wrong 'data.name'"),
    ],
)
def test_wrong_run_json(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    """A run.json with a value that optotype never writes is refused, naming the key."""
    small_run(tmp_path)
    _edit(tmp_path / "run.json", **changes)
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"validation": [0, 1, 2, 3, 4, 5]}, "do not match its fingerprint"),
        ({"fingerprint": "sha256:0"}, "do not match its fingerprint"),
        ({"validation": ["0"]}, "has a wrong 'validation.0'"),
        ({"validation": [-1]}, "has a wrong 'validation.0'"),
        ({"images": 31}, "is of other data than its run"),
        ({"data_fingerprint": "sha256:0"}, "is of other data than its run"),
        ({"test_fingerprint": "sha256:0"}, "is of other data than its run"),
        ({"format": 9}, "newer optotype"),
    ],
)
def test_wrong_split(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    """A split.json that was changed, or is of other data, is refused by name."""
    run = small_run(tmp_path)
    _edit(tmp_path / "split.json", **changes)
    with pytest.raises(RunError) as caught:
        _ = run.split
    assert sentence in str(caught.value)
    assert "split.json" in str(caught.value)


def test_damaged_parts(tmp_path: Path) -> None:
    """Each damaged or missing file is a RunError that names it, when it is asked for and not before."""
    run = small_run(tmp_path)
    (tmp_path / "recipe.json").write_text('{"layers": [], "epoch": 3}')
    (tmp_path / "environment.json").unlink()
    (tmp_path / "judgement.json").mkdir()
    (tmp_path / "model.safetensors").write_bytes(b"")
    opened = Run.open(tmp_path)
    with pytest.raises(RunError, match=r"recipe\.json holds no recipe \(Unknown recipe key 'epoch'"):
        _ = opened.recipe
    with pytest.raises(RunError, match=r"Cannot read .*environment\.json"):
        _ = opened.environment
    with pytest.raises(RunError, match=r"judgement\.json is not a file"):
        _ = opened.judgement
    with pytest.raises(ModelError, match=r"model\.safetensors is no safetensors file"):
        _ = opened.model
    assert run.status == "running"


def test_find_target(tmp_path: Path) -> None:
    """A TARGET is a run folder or a model file; whatever else is refused with what was expected."""
    run = small_run(tmp_path / "run")
    run.keep(small_model())
    assert isinstance(find_target(run.path), Run)
    assert isinstance(find_target(str(run.path / "model.safetensors")), Model)
    with pytest.raises(RunError, match=r"There is no .*missing, expected a run folder or a model file"):
        find_target(tmp_path / "missing")
    with pytest.raises(RunError, match=r"has no run\.json, expected a run folder"):
        find_target(tmp_path)
    with pytest.raises(ModelError, match=r"run\.json"):
        find_target(run.path / "run.json")
    with pytest.raises(RunError, match="Cannot open"):
        find_target("x" * 300)


def test_open_what_is_no_run(tmp_path: Path) -> None:
    """A missing folder is said to be none."""
    with pytest.raises(RunError, match="missing is not a folder, expected a run folder"):
        Run.open(tmp_path / "missing")


def test_repr(tmp_path: Path) -> None:
    """A run is shown as its folder and status."""
    assert repr(small_run(tmp_path)) == f"Run({str(tmp_path)!r}, running)"
