"""A small run, its service, and a client of its application in this process."""

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
    """Train on ten patterns that are easy to distinguish; tests must not change this run."""
    folder = tmp_path_factory.mktemp("served")
    return train(
        load(write_folder(folder / "patterns")), recipe(validation=200), out=folder / "run", threads=1
    )


@pytest.fixture
def service(run: Run) -> Service:
    """Return a service of the run that does not process its queue yet."""
    return Service(run.path, Limits())


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """Return a client of the service, which runs during the test."""
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        yield client
