"""One service for all of these tests; each leaves it as able to answer as it was."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from optotype.runs.run import Run
from optotype.web.app import make_app
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.hostile.sending import GOOD, sent


@pytest.fixture(scope="package")
def client(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Give a client of a service that takes corrections; what is a 500 for others raises here."""
    service = Service(run.path, Limits(), tmp_path_factory.mktemp("corrections"))
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(autouse=True)
def _lives_on(client: TestClient) -> Iterator[None]:
    """After each test the server answers a good request as if nothing had been."""
    yield
    assert sent(client, GOOD, "image/png").json()["predictions"][0]["label"] == "0"
