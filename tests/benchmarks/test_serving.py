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

IMAGE = b"\x89PNG, or so it says"
OK = b'HTTP/1.1 200 OK\r\ncontent-length: 41\r\n\r\n{"predictions": [{"label": "7", "x": 0}]}'
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
WITHOUT_RETRY_AFTER = BUSY.replace(b"Retry-After: 1\r\n", b"")
CLOSING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@contextmanager
def serve_responses(respond: Callable[[int], bytes]) -> Iterator[str]:
    """Run a server that sends `respond(n)` for request number n; an empty response closes the connection."""
    numbers = count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.rfile.read(int(self.headers["Content-Length"])) == IMAGE
            response = respond(next(numbers))
            self.wfile.write(response)
            self.close_connection = response in {b"", CLOSING}

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


def count_responses(respond: Callable[[int], bytes]) -> RequestCounts:
    """Send a hundred requests to such a server."""
    with serve_responses(respond) as url:
        return send_at_rate(url, [IMAGE], rate=200, seconds=0.5, connections=20)


def test_every_response_is_counted_by_status() -> None:
    """Responses are counted by status, over persistent and closed connections; none is missed."""
    counts = count_responses(lambda n: (OK, CLOSING, BUSY, WITHOUT_RETRY_AFTER)[n % 4])
    assert counts.sent == counts.responses.total() == sum(counts.responses[status] for status in (200, 429))
    assert 0.2 < counts.responses[200] / counts.sent < 0.8
    assert 0 < counts.without_retry_after < counts.responses[429]
    assert (counts.without_response, counts.unexpected) == (0, 0)


def test_request_without_a_response_is_counted() -> None:
    """A connection that ends before the response is counted, and so is a refused connection."""
    counts = count_responses(lambda n: OK if n % 2 else b"")
    assert counts.without_response > 0
    assert counts.without_response + counts.responses[200] == counts.sent
    refused = send_at_rate("http://127.0.0.1:9/", [IMAGE], rate=100, seconds=0.1, connections=5)
    assert refused.sent == refused.without_response > 0


def test_unexpected_response_is_counted() -> None:
    """A response on a connection without a pending request is counted as unexpected."""
    counts = count_responses(lambda n: OK * 2 if n % 5 == 0 else OK)
    assert counts.unexpected > 0
    assert counts.responses[200] + counts.without_response == counts.sent


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_load_result_counts_responses_by_status(tmp_path: Path) -> None:
    """The output of wrk is parsed: responses per status, responses without Retry-After, and latencies."""
    (tmp_path / "a.png").write_bytes(IMAGE)
    with serve_responses(lambda n: (OK, BUSY, WITHOUT_RETRY_AFTER)[n % 3]) as url:
        load = wrk.run_wrk(url, [tmp_path / "a.png"], 2, 1)
    assert set(load.responses) == {200, 429}
    assert load.responses[429] == pytest.approx(2 * load.responses[200], abs=5)
    assert load.without_retry_after == pytest.approx(load.responses[200], abs=5)
    assert (load.broken, load.timed_out) == (0, 0)
    assert 0 < load.p50 <= load.p99
    assert load.rate() == pytest.approx(load.rate(200) + load.rate(429))


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_load_on_a_closed_port_raises_an_error(tmp_path: Path) -> None:
    """If no server listens, the error ends with the output of wrk."""
    (tmp_path / "a.png").write_bytes(IMAGE)
    with pytest.raises(RuntimeError, match=r"(?s)wrk failed for http://127\.0\.0\.1:9/.*unable to connect"):
        wrk.run_wrk("http://127.0.0.1:9/", [tmp_path / "a.png"], 1, 1)


def test_missing_wrk_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """If wrk is missing, the error names the package to install."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(RuntimeError, match="apt-get install wrk"):
        wrk.version()


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


def test_capacity_ignores_slow_loads() -> None:
    """The capacity is the highest rate among loads with a 99th percentile below 120 ms."""
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
    """Every request without exactly one response of 200, 429 or 503 is counted; valid responses are not."""
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
    record = measured("serving-overload", values)
    assert invalid_responses(record) == 63
    formatted = [aim.formatted(record) for aim in AIMS if aim.line == "serving-overload"]
    assert formatted == ["3.0", "63 did not", "2.5%"]
