"""The one file that takes the pictures of an archive or table, their bytes one after another.

Nothing in a source decides what the file is called or where it lies, and no source fills the disk with much more than
it holds itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self

from optotype.data.pictures.decode import MOST_BYTES
from optotype.data.sources.listing import Found
from optotype.errors import DataError
from optotype.progress import Report

MOST_RATIO: Final = 200
"""How many times its own size a source may unpack to, beyond `FREE_BYTES`."""
FREE_BYTES: Final = 256 << 20
"""What any source may unpack to."""
_CHUNK: Final = 1 << 20


class Spool:
    """A file that takes pictures, open for as long as ``opened`` holds.

    Attributes:
        source: The archive or table that they come from.
        found: The pictures so far.
    """

    def __init__(self, source: Path, path: Path, file: IO[bytes], report: Report) -> None:
        self.source = source
        self.found: list[Found] = []
        self._most = MOST_RATIO * source.stat().st_size + FREE_BYTES
        self._report = report
        self._path = str(path)
        self._file = file
        self._taken = 0

    @classmethod
    @contextmanager
    def opened(cls, source: Path, folder: Path, report: Report) -> Iterator[Self]:
        """Make the file in a folder, for the pictures of one source, telling how much of that was read."""
        path = folder / f"{len(list(folder.iterdir()))}.members"
        with path.open("xb") as file:
            yield cls(source, path, file, report)

    def require(self, size: int, *, beside: int | None = None) -> None:
        """Refuse a source that unpacks to more than there can honestly be in it.

        Args:
            size: Bytes that are to come.
            beside: Bytes that came before; by default those taken.

        Raises:
            DataError: They are too many.
        """
        if size + (self._taken if beside is None else beside) > self._most:
            raise DataError(
                f"{self.source} unpacks to more than {FREE_BYTES >> 20} MiB and {MOST_RATIO} times its own size, as"
                " only a trap does, expected pictures. If it is what it should be, unpack it and name the folder."
            )

    def tell(self, done: int, total: int) -> None:
        """Tell how much of the source was read."""
        self._report(f"unpacking {self.source.name}", done, total)

    def take(self, name: str, content: IO[bytes]) -> None:
        """Copy a picture into the file.

        Args:
            name: Its name relative to the source.
            content: Its bytes.

        Raises:
            DataError: The source unpacks to too much.
            OSError: The bytes cannot be read, or not be written.
        """
        size = 0
        # One byte more than is allowed: whoever reads the picture then refuses it by its size.
        while chunk := content.read(min(_CHUNK, MOST_BYTES + 1 - size)):
            size += len(chunk)
            self.require(size)
            self._file.write(chunk)
        self.found.append(Found(name, self._path, self._taken, size))
        self._taken += size
