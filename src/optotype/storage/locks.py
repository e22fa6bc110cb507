"""One process at a time: a lock on a file, which the operating system lets go when its holder ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock while the block runs, after waiting for whoever holds it.

    Args:
        path: The lock's own file, made where it is missing, in a folder that exists; it stays there, empty.

    Raises:
        OSError: The file cannot be opened for writing.
    """
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
