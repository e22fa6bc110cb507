"""What is counted, and that its labels stay few."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from optotype.web.limits import BodyLimits, Limits
from optotype.web.metrics import MetricsMiddleware
from optotype.web.service import Service
from tests.web.samples import as_file, images


def _samples(client: TestClient) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_and_images_are_counted(client: TestClient) -> None:
    """Each answer counts once, by path and status; each image and each batch too; the queue is empty afterwards."""
    png = {"Content-Type": "image/png"}
    for _ in range(3):
        client.post("/v1/predict", content=as_file(images(1)[0]), headers=png)
    client.post("/v1/predict", content=b"no picture", headers=png)
    found = _samples(client)
    assert found["optotype_requests_total", "/v1/predict", "200"] == 3
    assert found["optotype_requests_total", "/v1/predict", "422"] == 1
    assert found["optotype_request_seconds_count", "/v1/predict"] == 4
    assert found["optotype_images_total",] == 3
    assert found["optotype_batch_images_sum",] == 3
    assert found["optotype_waiting_images",] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_strange_paths_make_no_labels(client: TestClient) -> None:
    """Whatever path is asked for, the number of labels stays the same."""
    for place in range(5):
        client.get(f"/nothing/{place}")
    found = _samples(client)
    assert found["optotype_requests_total", "other", "404"] == 5


def test_the_model_is_told(client: TestClient) -> None:
    """The model that is served is there as a label, with the fingerprint that answers carry."""
    about = client.get("/v1/model").json()
    assert _samples(client)["optotype_model_info", about["fingerprint"], "small"] == 1


def test_who_left_is_not_counted_as_an_error(service: Service) -> None:
    """A client that goes before its body is there counts as 499; an application that fails, as 500."""

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def fails(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError

    async def drop(_: Message) -> None:
        pass

    scope = {"type": "http", "path": "/v1/predict", "headers": []}
    asyncio.run(MetricsMiddleware(BodyLimits(fails, Limits()), service.metrics)(scope, gone, drop))
    with pytest.raises(RuntimeError):
        asyncio.run(MetricsMiddleware(fails, service.metrics)(scope, gone, drop))
    counted = service.metrics.registry.get_sample_value
    for status in ("499", "500"):
        assert counted("optotype_requests_total", {"path": "/v1/predict", "status": status}) == 1
