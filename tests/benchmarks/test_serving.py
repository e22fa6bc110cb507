import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from benchmarks.aims import AIMS, invalid_responses, requests_per_second
from benchmarks.serving import wrk
from benchmarks.serving.arrivals import RequestCounts, send_at_rate
from benchmarks.serving.servers import Program, ServerFailedError, start_server
from tests.benchmarks.samples import measured

PICTURE = b"\x89PNG, or so it says"
OK = b'HTTP/1.1 200 OK\r\ncontent-length: 41\r\n\r\n{"predictions": [{"label": "7", "x": 0}]}'
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
SILENT = BUSY.replace(b"Retry-After: 1\r\n", b"")
LEAVING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@contextmanager
def answering(answer: Callable[[int], bytes]) -> Iterator[str]:
    """Run a server that answers request number n as it is told to, and leaves where that is nothing."""
    numbers = count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.rfile.read(int(self.headers["Content-Length"])) == PICTURE
            said = answer(next(numbers))
            self.wfile.write(said)
            self.close_connection = said in {b"", LEAVING}

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/predict"
        finally:
            server.shutdown()
            thread.join()


def offered(answer: Callable[[int], bytes]) -> RequestCounts:
    """Offer a hundred requests to such a server."""
    with answering(answer) as url:
        return send_at_rate(url, [PICTURE], rate=200, seconds=0.5, connections=20)


def test_every_response_is_counted_by_status() -> None:
    """Answers are counted by status, over connections that are kept and ones that are closed; none is missed."""
    tally = offered(lambda n: (OK, LEAVING, BUSY, SILENT)[n % 4])
    assert tally.sent == tally.responses.total() == sum(tally.responses[status] for status in (200, 429))
    assert 0.2 < tally.responses[200] / tally.sent < 0.8
    assert 0 < tally.without_retry_after < tally.responses[429]
    assert (tally.without_response, tally.unexpected) == (0, 0)


def test_request_without_a_response_is_counted() -> None:
    """A connection that ends before the answer counts, and so does one that cannot be had."""
    tally = offered(lambda n: OK if n % 2 else b"")
    assert tally.without_response > 0
    assert tally.without_response + tally.responses[200] == tally.sent
    alone = send_at_rate("http://127.0.0.1:9/", [PICTURE], rate=100, seconds=0.1, connections=5)
    assert alone.sent == alone.without_response > 0


def test_unexpected_response_is_counted() -> None:
    """What arrives on a connection that waits for nothing is an answer to no request."""
    tally = offered(lambda n: OK * 2 if n % 5 == 0 else OK)
    assert tally.unexpected > 0
    assert tally.responses[200] + tally.without_response == tally.sent


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_load_result_counts_responses_by_status(tmp_path: Path) -> None:
    """What wrk and its script tell is read back: answers of each status, those without Retry-After, and times."""
    (tmp_path / "a.png").write_bytes(PICTURE)
    with answering(lambda n: (OK, BUSY, SILENT)[n % 3]) as url:
        load = wrk.run_wrk(url, [tmp_path / "a.png"], 2, 1)
    assert set(load.responses) == {200, 429}
    assert load.responses[429] == pytest.approx(2 * load.responses[200], abs=5)
    assert load.without_retry_after == pytest.approx(load.responses[200], abs=5)
    assert (load.broken, load.timed_out) == (0, 0)
    assert 0 < load.p50 <= load.p99
    assert load.rate() == pytest.approx(load.rate(200) + load.rate(429))


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_load_on_a_closed_port_raises_an_error(tmp_path: Path) -> None:
    """Where nobody listens, the error ends with what wrk says."""
    (tmp_path / "a.png").write_bytes(PICTURE)
    with pytest.raises(RuntimeError, match=r"(?s)wrk failed for http://127\.0\.0\.1:9/.*unable to connect"):
        wrk.run_wrk("http://127.0.0.1:9/", [tmp_path / "a.png"], 1, 1)


def test_missing_wrk_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where wrk is missing, the error names the package."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(RuntimeError, match="apt-get install wrk"):
        wrk.version()


def test_server_is_stopped_with_all_its_processes(tmp_path: Path) -> None:
    """A server is had once it answers, and when it is left, what it had started has ended too."""
    with answering(lambda _: OK) as url:
        about = f'{{"address": "{url.removesuffix("/predict")}"}}'
        script = f"sleep 60 & echo $! > {tmp_path / 'child'}; echo '{about}'; wait"
        with start_server(Program("a", ("sh", "-c", script)), PICTURE) as server:
            assert server.label(PICTURE) == "7"
            assert 0 < server.memory < 1000
            child = int((tmp_path / "child").read_text())
            assert _lives(child)
    until = time.monotonic() + 10
    while time.monotonic() < until and _lives(child):
        time.sleep(0.01)
    assert not _lives(child)


def _lives(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except FileNotFoundError:
        return False


def test_server_that_exits_early_raises_with_its_last_output() -> None:
    """Where a server ends before it can be asked, the error holds what it said last."""
    program = Program("a", (sys.executable, "-c", "raise SystemExit('out of luck')"))
    with (
        pytest.raises(ServerFailedError, match=r"a ended before it was ready: out of luck"),
        start_server(program, PICTURE),
    ):
        pass


def test_capacity_ignores_slow_loads() -> None:
    """Of the loads whose 99th percentile is under 120 ms the one with the most requests counts."""
    values: dict[str, tuple[float, ...]] = {
        "1 at once: requests/s": (500.0,),
        "1 at once: p99, ms": (2.0,),
        "8 at once: requests/s": (900.0, 1000.0, 5000.0),
        "8 at once: p99, ms": (119.0,),
        "64 at once: requests/s": (2000.0,),
        "64 at once: p99, ms": (121.0,),
    }
    assert requests_per_second(measured("serving", values)) == 1000
    slow: dict[str, tuple[float, ...]] = dict.fromkeys(values, (1000.0,))
    assert requests_per_second(measured("serving", slow)) == 0


def test_every_other_response_is_invalid() -> None:
    """Each kind of request that got anything but one of the three answers counts, and the answers do not."""
    values: dict[str, tuple[float, ...]] = {
        "capacity, requests/s": (1000.0,),
        "1000 at once: answers 429/s": (500.0,),
        "1000 at once: other answers": (1.0,),
        "1000 at once: 429 and 503 without Retry-After": (2.0,),
        "1000 at once: broken connections": (4.0,),
        "1000 at once: not answered within 30 s": (32.0,),
        "3 times the capacity: requests sent/s": (2996.0,),
        "3 times the capacity: requests without an answer": (8.0,),
        "3 times the capacity: answers without a request": (16.0,),
        "1000 at once: memory after a sixth of it, MB": (200.0,),
        "1000 at once: most memory from then on, MB": (205.0,),
    }
    found = measured("serving-overload", values)
    assert invalid_responses(found) == 63
    told = [aim.formatted(found) for aim in AIMS if aim.line == "serving-overload"]
    assert told == ["3.0", "63 did not", "2.5%"]
