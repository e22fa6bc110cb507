"""No test of data touches the user's own cache."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a cache of its own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("OPTOTYPE_HOME", str(folder))
    return folder
