"""A browser for the tests of the page, a server that answers as it is told, and the real one with a model of MNIST."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optotype.data.load import load
from optotype.recipes.builtin import load_recipe
from optotype.training.train import train
from tests.browser import CHROMIUM, Browser, opened
from tests.web.page import fake
from tests.web.page.real import Real


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Keep one browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (on Debian and Ubuntu: apt-get install chromium)")
    with opened(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(window: Browser) -> Browser:
    """Give the browser with nothing said by its console."""
    window.complaints.clear()
    return window


@pytest.fixture
def server() -> Iterator[fake.Fake]:
    """Give a server that answers as it is told."""
    with fake.running() as running:
        yield running


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Serve a model of MNIST that was trained for an epoch."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (on Debian and Ubuntu: apt-get install chromium)")
    folder: Path = tmp_path_factory.mktemp("mnist")
    recipe = load_recipe("mnist-quick").override({"epochs": 1})
    run = train(load("mnist"), recipe, out=folder / "run")
    server = Real(run.path, folder / "corrections")
    server.start()
    yield server
    server.stop()
