"""The run folder: its files, its status at any moment, and the refusal of damaged files."""

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
from optotype.runs.environment import describe_environment
from optotype.runs.run import Run
from tests.models.samples import small_model
from tests.runs.samples import RECIPE, epoch, small_data, small_run

_TOP = Path(__file__).parents[2]


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_round_trip(tmp_path: Path) -> None:
    """Everything that is written to a run folder is read again."""
    run = small_run(tmp_path / "a" / "run")
    run.append_epoch(epoch(1))
    run.append_epoch(epoch(2))
    run.save_model(small_model(recipe=RECIPE))
    run.save_curve("loss", b"png")
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


def test_skipped_images(tmp_path: Path) -> None:
    """Skipped images are listed in skipped.json, which does not exist without any."""
    skipped = (Skipped("cat/1.png", "has 3 bytes"), Skipped("\u00e9.png", "is not a regular file"))
    data = replace(small_data(), skipped=skipped)
    split = stratified_split(data.labels, RECIPE.validation, RECIPE.split_seed)
    run = Run.create(tmp_path / "a", RECIPE, data, split, describe_environment("portable", 2, "fp32"))
    assert Run.open(run.path).skipped == skipped
    assert small_run(tmp_path / "b").skipped == ()
    assert not (tmp_path / "b" / "skipped.json").exists()


def test_recipe_without_precision(tmp_path: Path) -> None:
    """An old run folder whose recipe has no precision opens as a run in fp32."""
    run = small_run(tmp_path)
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    del recipe["precision"]
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    assert Run.open(run.path).recipe == RECIPE.override({"precision": "fp32"})


def test_split_round_trip(tmp_path: Path) -> None:
    """The split in the folder is equal to the one of the training, with the same fingerprint."""
    expected = stratified_split(small_data().labels, RECIPE.validation, RECIPE.split_seed)
    split = small_run(tmp_path / "run").split
    np.testing.assert_array_equal(split.train, expected.train)
    np.testing.assert_array_equal(split.validation, expected.validation)
    assert split.fingerprint == expected.fingerprint


def test_files(tmp_path: Path) -> None:
    """A finished run has exactly the documented files, and no temporary file."""
    run = small_run(tmp_path)
    run.append_epoch(epoch(1))
    run.save_model(small_model())
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


def test_new_run(tmp_path: Path) -> None:
    """A new run has the status "running" in this process, and has no epoch, model or judgement."""
    run = small_run(tmp_path)
    opened = Run.open(tmp_path)
    assert (opened.status, opened.epochs, opened.judgement) == ("running", (), None)
    assert json.loads((tmp_path / "run.json").read_text())["pid"] == os.getpid()
    with pytest.raises(
        RunError, match=rf"is still running \(process {os.getpid()}\) after 0 complete epochs"
    ):
        opened.require_finished()
    with pytest.raises(RunError, match="is running and has no model"):
        _ = run.model


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (
            "interrupted",
            "Ctrl-C",
            "was interrupted after 1 complete epochs (Ctrl-C), expected a finished run. Train again",
        ),
        (
            "diverged",
            "at\nstep 3",
            "diverged after 1 complete epochs (at step 3), expected a finished run. Train again",
        ),
        ("interrupted", "", "was interrupted after 1 complete epochs, expected a finished run."),
    ],
)
def test_unfinished(tmp_path: Path, status: str, reason: str, message: str) -> None:
    """An unfinished run raises a RunError with status, reason, number of epochs and advice."""
    run = small_run(tmp_path)
    run.append_epoch(epoch(1))
    run.close(status, reason)  # type: ignore[arg-type]  # one of the three
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path).require_finished()
    assert message in str(caught.value)


def test_killed(tmp_path: Path) -> None:
    """A run whose process was killed has the status "running" and complete epochs, and is refused as killed."""
    program = (
        "import sys, itertools; from pathlib import Path; from tests.runs.samples import epoch, small_run\n"
        "run = small_run(Path(sys.argv[1]))\n"
        "for number in itertools.count(1): run.append_epoch(epoch(number))"
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
    with pytest.raises(RunError, match=rf"was killed \(process {process.pid} does not exist\)"):
        run.require_finished()


def test_on_another_machine(tmp_path: Path) -> None:
    """A run with the status "running" on another machine is running or was killed."""
    small_run(tmp_path)
    _edit(tmp_path / "run.json", host="elsewhere.example")
    with pytest.raises(RunError, match=r"is still running, or was killed, on elsewhere\.example"):
        Run.open(tmp_path).require_finished()


def test_close_twice(tmp_path: Path) -> None:
    """Closing a run again raises a RunError and does not change its status."""
    run = small_run(tmp_path)
    run.close("interrupted")
    with pytest.raises(RunError, match="is already interrupted"):
        run.close("finished")
    assert Run.open(tmp_path).status == "interrupted"


def test_order_of_epochs(tmp_path: Path) -> None:
    """A missing or repeated epoch raises a RunError."""
    run = small_run(tmp_path)
    run.append_epoch(epoch(1))
    for number in (1, 3):
        with pytest.raises(RunError, match="expected 2"):
            run.append_epoch(epoch(number))
    assert run.epochs == (epoch(1),)


def test_folder_that_is_not_empty(tmp_path: Path) -> None:
    """A folder with files is refused for a new run and stays unchanged."""
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(RunError, match="is not empty"):
        small_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(RunError, match="Cannot make the run folder"):
        small_run(tmp_path / "thesis.txt")


def test_source_and_options(tmp_path: Path) -> None:
    """run.json has the arguments of `load`, even if the source's name is not valid UTF-8."""
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


def test_data_record_without_options(tmp_path: Path) -> None:
    """A run.json without options, as older versions wrote it, has the defaults."""
    run = small_run(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    for key in ("options", "added", "source_fingerprint"):
        del content["data"][key]
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert Run.open(tmp_path).data == run.data
    assert run.data.options == Options()
    assert run.data.without_added() == run.data


def test_additional_images(tmp_path: Path) -> None:
    """A run records the number of additional images, and split and fingerprint of the source without them."""
    source_data = small_data()
    data = replace(
        source_data,
        images=np.concatenate([source_data.images, source_data.images[:4]]),
        labels=np.concatenate([source_data.labels, source_data.labels[:4]]),
        options=Options(add="/new"),
        addition=Addition(("a", "b", "c", "d"), source_data.fingerprint),
    )
    split = split_of(data, RECIPE.validation, RECIPE.split_seed)
    Run.create(tmp_path / "more", RECIPE, data, split, describe_environment("portable", 2, "fp32"))
    run, source_run = Run.open(tmp_path / "more"), small_run(tmp_path / "source")
    assert (run.data.images, run.data.added, run.data.own_images) == (34, 4, 30)
    assert run.data.without_added() == source_run.data
    assert run.split.fingerprint == source_run.split.fingerprint
    assert run.split.train.tolist() == [*source_run.split.train, 30, 31, 32, 33]
    content = json.loads((tmp_path / "more" / "split.json").read_text())
    content["validation"][-1] = 30
    content["fingerprint"] = split_fingerprint(30, np.array(content["validation"]))
    (tmp_path / "more" / "split.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="has index 30 of 30 images"):
        _ = run.split


@pytest.mark.parametrize(
    "changes",
    [{"added": 1}, {"source_fingerprint": "sha256:0"}, {"added": 30, "source_fingerprint": "sha256:0"}],
)
def test_wrong_additional_images(tmp_path: Path, changes: dict[str, object]) -> None:
    """A run.json whose additional images are inconsistent raises a RunError."""
    small_run(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    content["data"].update(changes)
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="additional images need images of the source"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON object"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"format": 2}', "has format 2, expected at most 1"),
        ('{"format": 1}', "has a wrong value for 'created'"),
        ("\xff", "is not valid JSON"),
    ],
)
def test_damaged_run_json(tmp_path: Path, content: str, message: str) -> None:
    """A run.json that is damaged or newer raises a RunError that names it."""
    small_run(tmp_path)
    (tmp_path / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / "run.json") in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "fine"}, "has a wrong value for 'status'"),
        ({"pid": 0}, "has a wrong value for 'pid'"),
        ({"pid": 2**40}, "has a wrong value for 'pid'"),
        ({"surprise": 1}, "has a wrong value for 'surprise'"),
        ({"data": {}}, "has a wrong value for 'data.name'"),
    ],
)
def test_wrong_run_json(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    """A run.json with an invalid value raises a RunError that names the key."""
    small_run(tmp_path)
    _edit(tmp_path / "run.json", **changes)
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation": [0, 1, 2, 3, 4, 5]}, "do not match its fingerprint"),
        ({"fingerprint": "sha256:0"}, "do not match its fingerprint"),
        ({"validation": ["0"]}, "has a wrong value for 'validation.0'"),
        ({"validation": [-1]}, "has a wrong value for 'validation.0'"),
        ({"images": 31}, "belongs to other data than its run"),
        ({"data_fingerprint": "sha256:0"}, "belongs to other data than its run"),
        ({"test_fingerprint": "sha256:0"}, "belongs to other data than its run"),
        ({"format": 9}, "newer optotype"),
    ],
)
def test_wrong_split(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    """A split.json that was changed, or belongs to other data, raises a RunError that names it."""
    run = small_run(tmp_path)
    _edit(tmp_path / "split.json", **changes)
    with pytest.raises(RunError) as caught:
        _ = run.split
    assert message in str(caught.value)
    assert "split.json" in str(caught.value)


def test_damaged_parts(tmp_path: Path) -> None:
    """A damaged or missing file raises a RunError that names it, when it is read and not before."""
    run = small_run(tmp_path)
    (tmp_path / "recipe.json").write_text('{"layers": [], "epoch": 3}')
    (tmp_path / "environment.json").unlink()
    (tmp_path / "judgement.json").mkdir()
    (tmp_path / "model.safetensors").write_bytes(b"")
    opened = Run.open(tmp_path)
    with pytest.raises(RunError, match=r"recipe\.json has no valid recipe \(Unknown recipe key 'epoch'"):
        _ = opened.recipe
    with pytest.raises(RunError, match=r"Cannot read .*environment\.json"):
        _ = opened.environment
    with pytest.raises(RunError, match=r"judgement\.json is not a regular file"):
        _ = opened.judgement
    with pytest.raises(ModelError, match=r"model\.safetensors is not a safetensors file"):
        _ = opened.model
    assert run.status == "running"


def test_open_missing_folder(tmp_path: Path) -> None:
    """A missing folder raises a RunError."""
    with pytest.raises(RunError, match="missing is not a folder, expected a run folder"):
        Run.open(tmp_path / "missing")


def test_repr(tmp_path: Path) -> None:
    """The repr of a run has its folder and status."""
    assert repr(small_run(tmp_path)) == f"Run({str(tmp_path)!r}, running)"
