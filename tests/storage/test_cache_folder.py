"""The cache folder."""

from pathlib import Path

import pytest

from optotype.storage.cache_folder import cache_folder


def test_default_cache_folder_follows_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OPTOTYPE_HOME, the folder is optotype in the user's cache folder; nothing is created."""
    monkeypatch.delenv("OPTOTYPE_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "optotype"
    assert not cache_folder().exists()


def test_environment_variable_sets_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPTOTYPE_HOME sets the folder; relative paths are resolved against the working folder, and ~ is expanded."""
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTOTYPE_HOME", "there")
    assert cache_folder() == tmp_path / "there"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPTOTYPE_HOME", "~/cache")
    assert cache_folder() == tmp_path / "cache"
