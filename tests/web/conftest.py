"""A small run, and the application that serves it, in this process."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from optotype.data.load import load
from optotype.runs.run import Run
from optotype.training.train import train
from optotype.web.app import make_app
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.training.samples import recipe, write_folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Train on ten easily told patterns; tests must leave this run as it is."""
    folder = tmp_path_factory.mktemp("served")
    return train(
        load(write_folder(folder / "patterns")), recipe(validation=200), out=folder / "run", threads=1
    )


@pytest.fixture
def service(run: Run) -> Service:
    """Give a service of the run that has not begun to answer."""
    return Service(run.path, Limits())


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """Give a client of the service, which answers as long as the test runs."""
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        yield client
