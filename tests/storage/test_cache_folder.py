"""Where the cache is."""

from pathlib import Path

import pytest

from optotype.storage.cache_folder import cache_folder


def test_the_cache_is_where_the_platform_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OPTOTYPE_HOME the cache is the folder optotype in the user's own place for caches; nothing is made."""
    monkeypatch.delenv("OPTOTYPE_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "optotype"
    assert not cache_folder().exists()


def test_the_cache_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPTOTYPE_HOME names the cache; a relative one counts from the working folder, and ~ is the user's home."""
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTOTYPE_HOME", "there")
    assert cache_folder() == tmp_path / "there"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPTOTYPE_HOME", "~/cache")
    assert cache_folder() == tmp_path / "cache"
