"""A training that is stopped, killed, watched on a terminal, or written to nobody."""

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


def _start(folder: Path, *arguments: object, **given: object) -> "subprocess.Popen[str]":
    words = [str(OPTOTYPE), *map(str, arguments)]
    return subprocess.Popen(words, cwd=folder, start_new_session=True, text=True, **given)  # type: ignore[call-overload, no-any-return] # passed through


def _until_epochs(run: Path, n: int, process: "subprocess.Popen[str]") -> None:
    """Wait until a run has recorded some epochs."""
    log = run / "epochs.jsonl"
    while not log.exists() or len(log.read_text().splitlines()) < n:
        assert process.poll() is None, "training ended too soon"
        time.sleep(0.02)


def test_ctrl_c_keeps_what_was_trained(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """SIGINT to the process group exits with 130, leaves a model and the status, and the run is not judged."""
    pipe = subprocess.PIPE
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", stdout=pipe, stderr=pipe)
    _until_epochs(tmp_path / "run", 3, process)
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint.startswith("Interrupted: Training stopped.")
    assert "saved in run" in complaint
    run = Run.open(tmp_path / "run")
    assert run.status == "interrupted"
    assert run.model.provenance.status == "interrupted"
    assert len(run.epochs) >= 3
    refused = optotype("judge", "run")
    assert refused.returncode == 1
    assert "was interrupted after" in refused.stderr
    assert optotype("judge", "run/model.safetensors").returncode == 1


def test_ctrl_c_with_json_is_an_object(digits: Path, tmp_path: Path) -> None:
    """With --json the last line says that training was interrupted, and where the run is."""
    pipe = subprocess.PIPE
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", "--json", stdout=pipe, stderr=pipe)
    _until_epochs(tmp_path / "run", 1, process)
    os.killpg(process.pid, signal.SIGINT)
    out, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (130, "")
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["type"] == "Interrupted"
    assert "saved in run" in error["message"]


def test_a_killed_run_is_refused_clearly(optotype: Command, digits: Path, tmp_path: Path) -> None:
    """After SIGKILL the folder still says "running"; judge and predict say that it was killed or has no model."""
    devnull = subprocess.DEVNULL
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", stdout=devnull, stderr=devnull)
    _until_epochs(tmp_path / "run", 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    assert Run.open(tmp_path / "run").status == "running"
    for verb, said in ((["judge", "run"], "was killed"), (["predict", "run", "a.png"], "has no model")):
        refused = optotype(*verb)
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_reader_who_leaves_is_no_error(digits: Path, tmp_path: Path) -> None:
    """When the output's reader goes away, the command ends without a word; the run says that it was cut short."""
    pipe = subprocess.PIPE
    process = _start(tmp_path, "train", digits, *LONG, "--out", "run", stdout=pipe, stderr=pipe)
    _until_epochs(tmp_path / "run", 1, process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        complaint = process.stderr.read()
    process.wait(timeout=60)
    assert process.returncode == 1
    assert complaint == ""
    assert Run.open(tmp_path / "run").status == "interrupted"


@pytest.mark.parametrize("colours", [True, False])
def test_a_terminal_shows_a_live_line(digits: Path, tmp_path: Path, colours: bool) -> None:
    """On a terminal a bar moves above which epochs gather; NO_COLOR takes every colour away."""
    shown = _on_a_terminal(tmp_path, digits, colours=colours)
    assert "val_accuracy" in shown
    assert "images/s" in shown
    assert "\r" in shown
    assert re.search(r" 2/2 +\d\.\d{4} ", shown)
    coloured = re.findall(r"\x1b\[[0-9;]*(?:3[0-7]|38;5;\d+|9[0-7])[0-9;]*m", shown)
    assert bool(coloured) is colours


def _on_a_terminal(folder: Path, digits: Path, *, colours: bool) -> str:
    """Train on a pseudo-terminal and return everything that was written to it."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "100"} | ({} if colours else {"NO_COLOR": "1"})
    mine, its = pty.openpty()
    process = _start(folder, "train", digits, *QUICK, env=environment, stdin=its, stdout=its, stderr=its)
    os.close(its)
    chunks = []
    while select.select([mine], [], [], 60)[0]:
        try:
            chunk = os.read(mine, 65536)
        except OSError:  # Linux's answer once the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(mine)
    assert process.wait(timeout=60) == 0
    return b"".join(chunks).decode()


def test_python_stays_quiet_after_a_closed_pipe(tmp_path: Path) -> None:
    """`optotype recipes` into a closed pipe ends without a message from the interpreter."""
    reader, writer = os.pipe()
    os.close(reader)
    process = _start(tmp_path, "recipes", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, complaint = process.communicate(timeout=60)
    assert complaint == ""
    assert process.returncode == 1
