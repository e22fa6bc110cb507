"""One service for all tests; after each test it must still work."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from optotype.runs.run import Run
from optotype.web.app import make_app
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.hostile.requests import GOOD, post


@pytest.fixture(scope="package")
def client(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service that accepts corrections; an internal error raises here."""
    service = Service(run.path, Limits(), tmp_path_factory.mktemp("corrections"))
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(autouse=True)
def _still_works(client: TestClient) -> Iterator[None]:
    """Check after each test that a valid request is answered as before."""
    yield
    assert post(client, GOOD, "image/png").json()["predictions"][0]["label"] == "0"
