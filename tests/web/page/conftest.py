"""A browser, a fake server with configurable responses, and the real server with a model of MNIST."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optotype.data.load import load
from optotype.recipes.builtin import load_recipe
from optotype.training.train import train
from tests.browser import CHROMIUM, Browser, opened
from tests.web.page import fake_server
from tests.web.page.real_server import RealServer


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start one browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (on Debian and Ubuntu: apt-get install chromium)")
    with opened(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(shared_browser: Browser) -> Browser:
    """Return the browser with an empty console."""
    shared_browser.complaints.clear()
    return shared_browser


@pytest.fixture
def server() -> Iterator[fake_server.FakeServer]:
    """Start a fake server."""
    with fake_server.run_fake_server() as running:
        yield running


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """Serve a model of MNIST that was trained for one epoch."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (on Debian and Ubuntu: apt-get install chromium)")
    folder: Path = tmp_path_factory.mktemp("mnist")
    recipe = load_recipe("mnist-quick").override({"epochs": 1})
    run = train(load("mnist"), recipe, out=folder / "run")
    server = RealServer(run.path, folder / "corrections")
    server.start()
    yield server
    server.stop()
