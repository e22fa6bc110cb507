"""The open-loop load generator."""

from collections.abc import Callable

from benchmarks.serving.arrivals import RequestCounts, send_at_rate
from tests.benchmarks.serving.http_server import (
    BUSY,
    CLOSING,
    IMAGE,
    OK,
    WITHOUT_RETRY_AFTER,
    serve_responses,
)


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
