"""Atomic file writes."""

import os
from pathlib import Path

import pytest

from optotype.storage.atomic import replacing, write_durably


def test_replaces_in_one_step(tmp_path: Path) -> None:
    """The existing file is replaced, and no temporary file remains."""
    path = tmp_path / "file"
    write_durably(path, b"old")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk fails before the rename, the old file stays and the temporary file is deleted."""
    path = tmp_path / "file"
    write_durably(path, b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder(tmp_path: Path) -> None:
    """A missing folder raises OSError and is not created."""
    with pytest.raises(FileNotFoundError):
        write_durably(tmp_path / "none" / "file", b"")


def _fail(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_failed_block_leaves_no_file(tmp_path: Path) -> None:
    """If the block fails, neither the file nor its temporary file remains."""
    with pytest.raises(KeyboardInterrupt):
        _fail(tmp_path / "file")
    assert not list(tmp_path.iterdir())
