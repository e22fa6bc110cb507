"""A training that is interrupted, killed, shown on a terminal, or whose output pipe is closed."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from optotype.runs.run import Run
from tests.end_to_end.conftest import OPTOTYPE, QUICK, Command

LONG = ("--recipe", "mlp-32-16", "--set", "epochs=100000")


def _start(folder: Path, *arguments: object, **options: object) -> "subprocess.Popen[str]":
    command = [str(OPTOTYPE), *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, start_new_session=True, text=True, **options)  # type: ignore[call-overload, no-any-return] # passed through


def _wait_for_epochs(run: Path, n: int, process: "subprocess.Popen[str]") -> None:
    """Wait until a run has recorded n epochs."""
    log = run / "epochs.jsonl"
    while not log.exists() or len(log.read_text().splitlines()) < n:
        assert process.poll() is None, "training ended too soon"
        time.sleep(0.02)


def test_ctrl_c_saves_the_model(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """SIGINT to the process group exits with 130 and saves model and status; the run cannot be judged."""
    pipe = subprocess.PIPE
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", stdout=pipe, stderr=pipe)
    _wait_for_epochs(tmp_path / "run", 3, process)
    os.killpg(process.pid, signal.SIGINT)
    _, error_output = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error_output.startswith("Interrupted: ")
    assert " run" in error_output
    run = Run.open(tmp_path / "run")
    assert run.status == "interrupted"
    assert run.model.provenance.status == "interrupted"
    assert len(run.epochs) >= 3
    rejected = optotype("judge", "run")
    assert rejected.returncode == 1
    assert "interrupted" in rejected.stderr
    assert optotype("judge", "run/model.safetensors").returncode == 1


def test_ctrl_c_with_json_is_an_object(digits: Path, tmp_path: Path) -> None:
    """With --json the last line is an error object with the path of the run."""
    pipe = subprocess.PIPE
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", "--json", stdout=pipe, stderr=pipe)
    _wait_for_epochs(tmp_path / "run", 1, process)
    os.killpg(process.pid, signal.SIGINT)
    out, error_output = process.communicate(timeout=60)
    assert (process.returncode, error_output) == (130, "")
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["type"] == "Interrupted"
    assert " run" in error["message"]


def test_killed_run_cannot_be_used(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """After SIGKILL the status is still "running"; judge reports that it was killed, predict that it has no model."""
    devnull = subprocess.DEVNULL
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", stdout=devnull, stderr=devnull)
    _wait_for_epochs(tmp_path / "run", 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    assert Run.open(tmp_path / "run").status == "running"
    for arguments, text in ((["judge", "run"], "killed"), (["predict", "run", "a.png"], "no model")):
        rejected = optotype(*arguments)
        assert rejected.returncode == 1
        assert text in rejected.stderr
        assert "Traceback" not in rejected.stderr


def test_closed_output_stops_the_training_quietly(digits: Path, tmp_path: Path) -> None:
    """If the reader closes the pipe, the command ends without a message and the run is marked as interrupted."""
    pipe = subprocess.PIPE
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", stdout=pipe, stderr=pipe)
    _wait_for_epochs(tmp_path / "run", 1, process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        error_output = process.stderr.read()
    process.wait(timeout=60)
    assert process.returncode == 1
    assert error_output == ""
    assert Run.open(tmp_path / "run").status == "interrupted"


@pytest.mark.parametrize("colours", [True, False])
def test_terminal_shows_a_live_line(digits: Path, tmp_path: Path, colours: bool) -> None:
    """On a terminal there is a moving bar below the rows of the epochs; NO_COLOR removes all colours."""
    output = _train_on_terminal(tmp_path, digits, colours=colours)
    assert "val_accuracy" in output
    assert "images/s" in output
    assert "\r" in output
    assert re.search(r" 2/2 +\d\.\d{4} ", output)
    coloured = re.findall(r"\x1b\[[0-9;]*(?:3[0-7]|38;5;\d+|9[0-7])[0-9;]*m", output)
    assert bool(coloured) is colours


def _train_on_terminal(folder: Path, digits: Path, *, colours: bool) -> str:
    """Train on a pseudo-terminal and return its output."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "100"} | ({} if colours else {"NO_COLOR": "1"})
    controller, terminal = pty.openpty()
    process = _start(
        folder, "train", digits, *QUICK, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    chunks = []
    while select.select([controller], [], [], 60)[0]:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # Linux raises this once the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(controller)
    assert process.wait(timeout=60) == 0
    return b"".join(chunks).decode()


def test_closed_pipe_causes_no_interpreter_message(tmp_path: Path) -> None:
    """`optotype recipes` into a closed pipe ends without a message from Python."""
    reader, writer = os.pipe()
    os.close(reader)
    process = _start(tmp_path, "recipes", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, error_output = process.communicate(timeout=60)
    assert error_output == ""
    assert process.returncode == 1
