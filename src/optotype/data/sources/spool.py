"""The temporary file that receives the image files of an archive or table, one after another.

A source determines neither the name nor the folder of this file, and cannot fill the disk with much more than its own
size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self

from optotype.data.pictures.image_file import MAX_BYTES
from optotype.data.pictures.location import FileLocation
from optotype.errors import DataError
from optotype.progress import ProgressCallback

MAX_RATIO: Final = 200
"""Largest ratio of unpacked bytes, beyond `FREE_BYTES`, to the source's own size."""
FREE_BYTES: Final = 256 << 20
"""Bytes that any source may unpack to."""
_CHUNK: Final = 1 << 20


class Spool:
    """A file that receives image files, open during the block of ``create``.

    Attributes:
        source: The archive or table that is unpacked.
        locations: The image files so far.
    """

    def __init__(self, source: Path, path: Path, file: IO[bytes], progress: ProgressCallback) -> None:
        self.source = source
        self.locations: list[FileLocation] = []
        self._max_bytes = MAX_RATIO * source.stat().st_size + FREE_BYTES
        self._progress = progress
        self._path = str(path)
        self._file = file
        self._size = 0

    @classmethod
    @contextmanager
    def create(cls, source: Path, folder: Path, progress: ProgressCallback) -> Iterator[Self]:
        """Create the file in a folder, for the image files of one source."""
        path = folder / f"{len(list(folder.iterdir()))}.members"
        with path.open("xb") as file:
            yield cls(source, path, file, progress)

    def check_size(self, size: int, *, unpacked: int | None = None) -> None:
        """Check that a source does not unpack to far more than its own size.

        Args:
            size: Number of bytes to come.
            unpacked: Number of bytes before; by default those in the file.

        Raises:
            DataError: If the sum exceeds the limit.
        """
        if size + (self._size if unpacked is None else unpacked) > self._max_bytes:
            raise DataError(
                f"{self.source} unpacks to more than {FREE_BYTES >> 20} MiB and {MAX_RATIO} times its own size, like a"
                " decompression bomb; expected image files. If you trust it, unpack it and pass the folder."
            )

    def report(self, done: int, total: int) -> None:
        """Report how much of the source was read."""
        self._progress(f"unpacking {self.source.name}", done, total)

    def add(self, name: str, content: IO[bytes]) -> None:
        """Copy an image file into the file.

        Args:
            name: Its name relative to the source.
            content: Its bytes.

        Raises:
            DataError: If the source unpacks to too many bytes.
            OSError: If the bytes cannot be read or written.
        """
        size = 0
        # One byte more than the limit of an image file: its reader then rejects it by its size.
        while chunk := content.read(min(_CHUNK, MAX_BYTES + 1 - size)):
            size += len(chunk)
            self.check_size(size)
            self._file.write(chunk)
        self.locations.append(FileLocation(name, self._path, self._size, size))
        self._size += size
