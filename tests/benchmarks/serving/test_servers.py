"""Server processes of the benchmark."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.serving.servers import Program, ServerFailedError, start_server
from tests.benchmarks.serving.http_server import IMAGE, OK, serve_responses


def test_server_is_stopped_with_all_its_processes(tmp_path: Path) -> None:
    """The server is ready once it responds; at the end of the block its child processes have ended too."""
    with serve_responses(lambda _: OK) as url:
        announcement = f'{{"address": "{url.removesuffix("/predict")}"}}'
        script = f"sleep 60 & echo $! > {tmp_path / 'child'}; echo '{announcement}'; wait"
        with start_server(Program("a", ("sh", "-c", script)), IMAGE) as server:
            assert server.label(IMAGE) == "7"
            assert 0 < server.memory < 1000
            child = int((tmp_path / "child").read_text())
            assert _is_alive(child)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _is_alive(child):
        time.sleep(0.01)
    assert not _is_alive(child)


def _is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except FileNotFoundError:
        return False


def test_server_that_exits_early_raises_with_its_last_output() -> None:
    """If a server ends before it is ready, the error contains its last output."""
    program = Program("a", (sys.executable, "-c", "raise SystemExit('out of luck')"))
    with (
        pytest.raises(ServerFailedError, match=r"a ended before it was ready: out of luck"),
        start_server(program, IMAGE),
    ):
        pass
