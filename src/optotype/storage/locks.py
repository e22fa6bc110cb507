"""Locks between processes and threads, by filelock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock

_POLL_SECONDS: Final = 0.01


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Acquire a lock for the block, after waiting until its current holder releases it.

    The operating system releases the lock if its holder dies. filelock's fallback to marker files, which outlive their
    holder, is off.

    Args:
        path: The lock file; it is created if missing, in a folder that must exist, and stays there, empty.

    Raises:
        OSError: If the file cannot be opened for writing.
    """
    # Opened here first: where no file can be created (as in /proc), filelock would wait forever.
    path.open("ab").close()
    with FileLock(path, poll_interval=_POLL_SECONDS, fallback_to_soft=False, preserve_lock_file=True):
        yield
