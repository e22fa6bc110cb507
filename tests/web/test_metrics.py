"""Prometheus metrics."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from optotype.web.limits import BodyLimits, Limits
from optotype.web.metrics import MetricsMiddleware
from optotype.web.service import Service
from tests.web.samples import encode_image, images


def _read_samples(client: TestClient) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_images_and_batches_are_counted(client: TestClient) -> None:
    """Each response counts once by path and status, each image and batch once; the queue is empty afterwards."""
    png = {"Content-Type": "image/png"}
    for _ in range(3):
        client.post("/v1/predict", content=encode_image(images(1)[0]), headers=png)
    client.post("/v1/predict", content=b"not an image", headers=png)
    samples = _read_samples(client)
    assert samples["optotype_requests_total", "/v1/predict", "200"] == 3
    assert samples["optotype_requests_total", "/v1/predict", "422"] == 1
    assert samples["optotype_request_seconds_count", "/v1/predict"] == 4
    assert samples["optotype_images_total",] == 3
    assert samples["optotype_batch_images_sum",] == 3
    assert samples["optotype_queued_images",] == 0
    assert samples["process_resident_memory_bytes",] > 0


def test_unknown_paths_add_no_labels(client: TestClient) -> None:
    """All unknown paths share one label."""
    for index in range(5):
        client.get(f"/nothing/{index}")
    assert _read_samples(client)["optotype_requests_total", "other", "404"] == 5


def test_model_info_has_the_fingerprint(client: TestClient) -> None:
    """The served model's fingerprint is a label, as in responses."""
    fingerprint = client.get("/v1/model").json()["fingerprint"]
    assert _read_samples(client)["optotype_model_info", fingerprint, "small"] == 1


def test_disconnected_clients_count_as_499(service: Service) -> None:
    """A client that leaves before its body is complete counts as 499; an application that raises counts as 500."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError

    async def send(_: Message) -> None:
        pass

    scope = {"type": "http", "path": "/v1/predict", "headers": []}
    asyncio.run(MetricsMiddleware(BodyLimits(app, Limits()), service.metrics)(scope, receive, send))
    with pytest.raises(RuntimeError):
        asyncio.run(MetricsMiddleware(app, service.metrics)(scope, receive, send))
    get_value = service.metrics.registry.get_sample_value
    for status in ("499", "500"):
        assert get_value("optotype_requests_total", {"path": "/v1/predict", "status": status}) == 1
