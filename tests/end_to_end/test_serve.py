"""The server as a process: how it starts, what it refuses, how it loads a model again, and how it ends."""

import hashlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from optotype.models.model import Model
from optotype.runs.run import Run
from tests.end_to_end.conftest import OPTOTYPE, QUICK, Command
from tests.end_to_end.serving import Crowd, serving
from tests.training.samples import pictures
from tests.web.listening import until

RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def other(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train another model on the same data."""
    folder = tmp_path_factory.mktemp("other") / "run"
    words = [OPTOTYPE, "train", digits, *QUICK, "--seed", "5", "--out", folder]
    subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120, check=True)
    return folder


def _is_heard(crowd: Crowd, fingerprint: str) -> bool:
    return any(told["model"] == fingerprint for _, told in crowd.heard[-20:])


def _body(n: int) -> bytes:
    return pictures(n, 9)[0].tobytes()


def test_a_server_answers_and_ends_well(trained: Path) -> None:
    """A picture is answered as the model does; Ctrl-C ends the server with code 0, and nothing is complained of."""
    with serving(trained) as server:
        status, told = server.ask("POST", "/v1/predict", _body(1), RAW)
        (expected,) = Run.open(trained).model.predict(pictures(1, 9)[0])
        assert (status, told["model"]) == (200, server.fingerprint)
        assert told["predictions"][0]["label"] == expected.label
        assert server.ask("GET", "/health/live") == (200, {"status": "live"})
        assert server.ask("GET", "/health/ready") == (200, {"status": "ready"})
        assert server.stop(signal.SIGINT) == (0, "", "")


def test_people_read_where_to_look(trained: Path) -> None:
    """Without --json a line says where the page is, and another that it has stopped."""
    words = [str(OPTOTYPE), "serve", str(trained), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        rest = process.stdout.read()
    assert "mlp-32-16 is served at http://127.0.0.1:" in line
    assert "/docs" in line
    assert "Stopped." in rest
    assert process.returncode == 0


def test_the_address_can_be_opened_where_all_are_listened_on(trained: Path) -> None:
    """Listening on every address, the server names one that this machine's browser can open, with the token."""
    token = "x" * 20
    words = [str(OPTOTYPE), "serve", str(trained), "--port", "0", "--host", "0.0.0.0", "--token", token]  # noqa: S104 - its purpose
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        process.stdout.read()
    assert "http://127.0.0.1:" in line
    assert f"/#token={token}" in line
    assert "Other machines put this one's name into the address" in line


def test_what_cannot_be_served_is_refused(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """No run, a broken model, a port that is taken, an address of others: a sentence each, and code 1."""
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes((trained / "model.safetensors").read_bytes()[:-50])
    with serving(trained) as server:
        port = server.address.rpartition(":")[2]
        for arguments, said in (
            (["nowhere"], "nowhere"),
            ([broken], "broken.safetensors"),
            (
                [trained, "--port", port],
                f"port {port} cannot be listened on: Address already in use. Expected",
            ),
            ([trained, "--host", "no.such.host.invalid", "--token", "x" * 20], "no.such.host.invalid"),
            ([trained, "--port", "0", "--host", "0.0.0.0"], "--token"),  # noqa: S104 - it is refused
            ([trained, "--port", "0", "--collect", trained], "corrections"),
        ):
            refused = optotype("serve", *arguments)
            assert refused.returncode == 1, refused
            assert said in refused.stderr
            assert "Traceback" not in refused.stderr


def test_a_model_is_loaded_again_without_a_mixed_answer(trained: Path, other: Path, tmp_path: Path) -> None:
    """While clients ask, SIGHUP changes the model: each answer is wholly the old one's or wholly the new one's."""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    images = pictures(100, 9)[0]
    expected = {}
    with serving(run) as server, Crowd(server, 4, "/v1/predict", _body(100), RAW) as crowd:
        for source in (other, trained, other):
            staged = tmp_path / "staged"
            shutil.copy(source / "model.safetensors", staged)
            staged.replace(run / "model.safetensors")
            server.process.send_signal(signal.SIGHUP)
            path = source / "model.safetensors"
            now = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
            until(partial(_is_heard, crowd, now))
            expected[now] = [each.probability for each in Model.load(path).predict(images)]
    assert not crowd.broken
    assert len(expected) == 2
    for status, told in crowd.heard:
        assert status == 200
        said = [each["probability"] for each in told["predictions"]]
        assert said == pytest.approx(expected[told["model"]], abs=1e-6)


def test_a_broken_model_is_not_loaded(trained: Path, tmp_path: Path) -> None:
    """Where the new model is no good the old one is served on, and the log and the metrics say so."""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    with serving(run) as server:
        broken = tmp_path / "broken"
        broken.write_bytes((run / "model.safetensors").read_bytes()[:-50])
        broken.replace(run / "model.safetensors")
        server.process.send_signal(signal.SIGHUP)
        failed = 'optotype_model_reloads_total{result="failed"} 1.0'
        until(lambda: failed in server.ask("GET", "/metrics")[1])
        status, told = server.ask("POST", "/v1/predict", _body(1), RAW)
        assert (status, told["model"]) == (200, server.fingerprint)
        code, _, complaint = server.stop()
    assert code == 0
    assert "was not reloaded" in complaint
    assert "model.safetensors" in complaint


def test_a_stop_loses_no_request(trained: Path) -> None:
    """When the server is stopped under load, whoever's request was taken on gets its answer: none is cut off."""
    with serving(trained) as server:
        with Crowd(server, 8, "/v1/predict", _body(200), RAW) as crowd:
            until(lambda: len(crowd.heard) > 40)
            code, _, complaint = server.stop()
        assert (code, complaint) == (0, "")
    assert not crowd.broken
    assert {status for status, _ in crowd.heard} <= {200, 503}
    assert all(len(told["predictions"]) == 200 for status, told in crowd.heard if status == 200)


def test_a_second_stop_waits_for_nobody(trained: Path) -> None:
    """Told twice to stop, the server tells who still waits, and ends well, without a word of complaint."""
    with serving(trained) as server:
        waiting = server.connection()
        waiting.putrequest("POST", "/v1/predict")
        waiting.putheader("Content-Length", "784")
        waiting.endheaders(b"not all of it")
        server.ask("GET", "/health/live")  # after which the other request has been begun too
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert server.stop(signal.SIGINT) == (0, "", "")
        assert waiting.getresponse().status == 503


def test_a_picture_is_corrected(trained: Path, tmp_path: Path) -> None:
    """With --collect a corrected picture lies in the folder, and train --add takes it."""
    with serving(trained, "--collect", "kept", folder=tmp_path) as server:
        status, told = server.ask("POST", "/v1/corrections?label=3", _body(1), RAW)
    assert (status, told["folder"]) == (201, str(tmp_path / "kept"))
    assert (tmp_path / "kept" / told["file"]).is_file()
    data = json.loads((trained / "run.json").read_text())["data"]
    words = [OPTOTYPE, "train", data["source"], *QUICK, "--add", "kept", "--out", "more"]
    done = subprocess.run(
        list(map(str, words)), cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "more" / "run.json").read_text())["data"]["images"] == data["images"] + 1


def test_who_closes_the_terminal_ends_the_server(trained: Path) -> None:
    """A server that was started in a terminal ends with it, though SIGHUP from elsewhere loads the model again."""
    ours, theirs = pty.openpty()
    words = [str(OPTOTYPE), "serve", str(trained), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        said = b""
        while b"Ctrl-C stops it" not in said:
            said += os.read(ours, 1000)
        process.send_signal(signal.SIGHUP)
        while b"was reloaded" not in said:
            said += os.read(ours, 1000)
        os.close(ours)
        process.wait(60)
    finally:
        process.kill()
        process.wait()


_IN_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
