"""Baselines are kept in a folder of the test's own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move the cache."""
    folder = tmp_path / "home"
    monkeypatch.setenv("OPTOTYPE_HOME", str(folder))
    return folder
