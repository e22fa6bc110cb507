"""Atomic, durable file writes: write under a temporary name, fsync, then rename."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and replace an existing one in one step; a power cut cannot leave half a file.

    Args:
        path: The file; its folder must exist.
        content: The complete content.

    Raises:
        OSError: If the file cannot be written. The existing file is unchanged, and no temporary file remains.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces ``path`` in one step if the block succeeds, and is deleted if it fails.

    Args:
        path: The file; its folder must exist.

    Yields:
        The temporary file beside ``path``, open for writing and reading.

    Raises:
        OSError: If the file cannot be written. The existing file is unchanged, and no temporary file remains.
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
    """Flush a file or folder to the disk (fsync).

    A rename is durable only after its folder is flushed.

    Args:
        path: The file or folder.

    Raises:
        OSError: If it cannot be opened, or the disk reports an error.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
