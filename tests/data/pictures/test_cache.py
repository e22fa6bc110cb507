"""The cache of decoded images."""

import os
from pathlib import Path

import pytest

from optotype.data.sources.picture_sets import load_pictures
from optotype.errors import DataError
from tests.data.picture_files import names, write


def test_cache_entry_is_flushed_before_it_is_renamed(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels, index and their folder are flushed before the rename, and the parent folder after it."""
    synced: list[Path] = []
    fsync = os.fsync

    def recording_fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    load_pictures(write(tmp_path / "pets", names(5)))
    source, *other_sources = (home / "pictures").iterdir()
    assert other_sources == []
    *files, temporary, last = synced
    assert (temporary.parent, temporary.suffix, last) == (source, ".tmp", source)
    assert sorted(files) == [temporary / name for name in ("index.json", "test", "train")]


def test_unwritable_cache_raises_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in place of the cache folder is an error that names OPTOTYPE_HOME."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"is not writable: .* OPTOTYPE_HOME"):
        load_pictures(write(tmp_path / "pets", names(5)))
