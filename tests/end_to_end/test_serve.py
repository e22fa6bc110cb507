"""The server as a process: start, rejected arguments, reload, and shutdown."""

import hashlib
import json
import os
import pty
import re
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
from tests.end_to_end.serving import Clients, serving
from tests.training.samples import pictures
from tests.web.http_server import wait_until

RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def other_run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train another model on the same data."""
    folder = tmp_path_factory.mktemp("other") / "run"
    command = [OPTOTYPE, "train", digits, *QUICK, "--seed", "5", "--out", folder]
    subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=True)
    return folder


def _has_response_of(clients: Clients, fingerprint: str) -> bool:
    return any(response["model"] == fingerprint for _, response in clients.responses[-20:])


def _encode_images(n: int) -> bytes:
    return pictures(n, 9)[0].tobytes()


def test_server_predicts_and_stops(trained: Path) -> None:
    """A prediction equals Model.predict's; Ctrl-C stops the server with exit code 0 and without any output."""
    with serving(trained) as server:
        status, response = server.request("POST", "/v1/predict", _encode_images(1), RAW)
        (expected,) = Run.open(trained).model.predict(pictures(1, 9)[0])
        assert (status, response["model"]) == (200, server.fingerprint)
        assert response["predictions"][0]["label"] == expected.label
        assert server.request("GET", "/health/live") == (200, {"status": "live"})
        assert server.request("GET", "/health/ready") == (200, {"status": "ready"})
        assert server.stop(signal.SIGINT) == (0, "", "")


def test_start_message_contains_the_urls(trained: Path) -> None:
    """Without --json the first line names the model, the page and the documentation; the exit code is 0."""
    command = [str(OPTOTYPE), "serve", str(trained), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        last_lines = process.stdout.read()
    assert "mlp-32-16" in line
    assert re.search(r"http://127\.0\.0\.1:\d+/ ", line)
    assert "/docs" in line
    assert last_lines.strip()
    assert process.returncode == 0


def test_printed_url_works_on_this_machine(trained: Path) -> None:
    """If the server listens on all addresses, it prints a URL for this machine's browser, with the token."""
    token = "x" * 20
    command = [str(OPTOTYPE), "serve", str(trained), "--port", "0", "--host", "0.0.0.0", "--token", token]  # noqa: S104 - tested on purpose
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        process.stdout.read()
    assert "http://127.0.0.1:" in line
    assert f"/#token={token}" in line
    assert "machine" in line


def test_invalid_arguments_are_rejected(optotype: Command, trained: Path, tmp_path: Path) -> None:
    """A missing run, a damaged model, a used port and a foreign address give a message and exit code 1."""
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((trained / "model.safetensors").read_bytes()[:-50])
    with serving(trained) as server:
        port = server.address.rpartition(":")[2]
        for arguments, message in (
            (["nowhere"], "nowhere"),
            ([damaged], "damaged.safetensors"),
            ([trained, "--port", port], f"port {port}: Address already in use. Expected"),
            ([trained, "--host", "no.such.host.invalid", "--token", "x" * 20], "no.such.host.invalid"),
            ([trained, "--port", "0", "--host", "0.0.0.0"], "--token"),  # noqa: S104 - it is rejected
            ([trained, "--port", "0", "--collect", trained], "corrections"),
        ):
            result = optotype("serve", *arguments)
            assert result.returncode == 1, result
            assert message in result.stderr
            assert "Traceback" not in result.stderr


def test_reload_never_mixes_models(trained: Path, other_run: Path, tmp_path: Path) -> None:
    """During reloads under load, every response comes completely from the previous or from the new model."""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    images = pictures(100, 9)[0]
    expected = {}
    with serving(run) as server, Clients(server, 4, "/v1/predict", _encode_images(100), RAW) as clients:
        for source in (other_run, trained, other_run):
            new_file = tmp_path / "new"
            shutil.copy(source / "model.safetensors", new_file)
            new_file.replace(run / "model.safetensors")
            server.process.send_signal(signal.SIGHUP)
            path = source / "model.safetensors"
            fingerprint = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
            wait_until(partial(_has_response_of, clients, fingerprint))
            expected[fingerprint] = [
                prediction.probability for prediction in Model.load(path).predict(images)
            ]
    assert not clients.errors
    assert len(expected) == 2
    for status, response in clients.responses:
        assert status == 200
        probabilities = [prediction["probability"] for prediction in response["predictions"]]
        assert probabilities == pytest.approx(expected[response["model"]], abs=1e-6)


def test_damaged_model_is_not_loaded(trained: Path, tmp_path: Path) -> None:
    """If the new model is damaged, the previous one stays in service, and the log and the metrics report it."""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    with serving(run) as server:
        damaged = tmp_path / "damaged"
        damaged.write_bytes((run / "model.safetensors").read_bytes()[:-50])
        damaged.replace(run / "model.safetensors")
        server.process.send_signal(signal.SIGHUP)
        metric = 'optotype_model_reloads_total{result="failed"} 1.0'
        wait_until(lambda: metric in server.request("GET", "/metrics")[1])
        status, response = server.request("POST", "/v1/predict", _encode_images(1), RAW)
        assert (status, response["model"]) == (200, server.fingerprint)
        code, _, log = server.stop()
    assert code == 0
    assert "was not reloaded" in log
    assert "model.safetensors" in log


def test_shutdown_loses_no_request(trained: Path) -> None:
    """A server that is stopped under load answers every accepted request completely."""
    with serving(trained) as server:
        with Clients(server, 8, "/v1/predict", _encode_images(200), RAW) as clients:
            wait_until(lambda: len(clients.responses) > 40)
            code, _, log = server.stop()
        assert (code, log) == (0, "")
    assert not clients.errors
    assert {status for status, _ in clients.responses} <= {200, 503}
    assert all(len(response["predictions"]) == 200 for status, response in clients.responses if status == 200)


def test_second_stop_signal_ends_open_requests(trained: Path) -> None:
    """At the second stop signal open requests get 503, and the server ends with exit code 0 and without output."""
    with serving(trained) as server:
        waiting = server.connect()
        waiting.putrequest("POST", "/v1/predict")
        waiting.putheader("Content-Length", "784")
        waiting.endheaders(b"not the whole body")
        server.request("GET", "/health/live")  # by its response the other request has started too
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert server.stop(signal.SIGINT) == (0, "", "")
        assert waiting.getresponse().status == 503


def test_correction_can_be_trained_with(trained: Path, tmp_path: Path) -> None:
    """With --collect a correction is saved in the folder, and train --add uses it."""
    with serving(trained, "--collect", "corrections", folder=tmp_path) as server:
        status, response = server.request("POST", "/v1/corrections?label=3", _encode_images(1), RAW)
    assert (status, response["folder"]) == (201, str(tmp_path / "corrections"))
    assert (tmp_path / "corrections" / response["file"]).is_file()
    data = json.loads((trained / "run.json").read_text())["data"]
    command = [OPTOTYPE, "train", data["source"], *QUICK, "--add", "corrections", "--out", "more"]
    result = subprocess.run(
        list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "more" / "run.json").read_text())["data"]["images"] == data["images"] + 1


def test_closing_the_terminal_stops_the_server(trained: Path) -> None:
    """A server started in a terminal stops when the terminal closes; any other SIGHUP reloads the model."""
    own_end, server_end = pty.openpty()
    command = [str(OPTOTYPE), "serve", str(trained), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", _EXEC_IN_TERMINAL, *command],
        stdin=server_end,
        stdout=server_end,
        stderr=server_end,
        start_new_session=True,
    )
    os.close(server_end)
    try:
        output = b""
        while b"/docs" not in output:
            output += os.read(own_end, 1000)
        process.send_signal(signal.SIGHUP)
        while b"was reloaded" not in output:
            output += os.read(own_end, 1000)
        os.close(own_end)
        process.wait(60)
    finally:
        process.kill()
        process.wait()


_EXEC_IN_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
