"""Files that are there whole or not at all, even after a power cut: a temporary name, fsync, then a rename."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, replacing what was there in one step.

    Args:
        path: Where; its folder must exist.
        content: All of it.

    Raises:
        OSError: The file cannot be written; what was there is untouched, and no temporary file stays behind.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write; it takes its place in one step when the block ends well, and vanishes when it does not.

    Args:
        path: Where; its folder must exist.

    Yields:
        The file, under a temporary name beside the path, open to write and read.

    Raises:
        OSError: The file cannot be written; what was there is untouched, and no temporary file stays behind.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file has reached the disk, or a folder: a rename is durable only once its folder has.

    Args:
        path: The file or folder.

    Raises:
        OSError: It cannot be opened, or the disk reports a fault.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
