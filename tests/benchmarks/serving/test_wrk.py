"""The closed-loop load generator wrk."""

import shutil
from pathlib import Path

import pytest

from benchmarks.serving import wrk
from tests.benchmarks.serving.http_server import BUSY, IMAGE, OK, WITHOUT_RETRY_AFTER, serve_responses


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
