"""The location of an encoded image: a file, or a range of bytes in a file."""

from typing import NamedTuple


class FileLocation(NamedTuple):
    """The bytes of one image file.

    Attributes:
        file: Name of the image file relative to its source, with "/" between folders.
        path: Path of the file that contains its bytes.
        offset: Position of the first byte in that file.
        size: Number of bytes; None for all bytes up to the end.
    """

    file: str
    path: str
    offset: int = 0
    size: int | None = None
