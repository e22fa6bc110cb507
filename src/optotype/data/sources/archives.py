"""Zip and tar archives of image files: read member by member, never extracted under names from the archive.

The bytes of all image files are written to a single spool file, and each image file is known by its position there, so
no name in the archive can lead out of it. An archive with a suspicious member is rejected as a whole.
"""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from tarfile import HeaderError, ReadError
from typing import IO, Final, Self

from optotype.data.sources.listing import (
    Listing,
    SourceScan,
    file_signature,
    is_picture,
    listing_from_folders,
)
from optotype.data.sources.spool import Spool
from optotype.errors import DataError
from optotype.progress import ProgressCallback

MAX_MEMBERS: Final = 10_000_000

_OPENERS: Final[Mapping[bytes, Callable[[IO[bytes]], io.BufferedIOBase]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
"""Magic bytes of a compressed tar file, and the reader of each format."""
_MAGIC_SIZE: Final = 6
_READ_ERRORS: Final = (
    # Exceptions that the readers raise for damaged or hostile archives; they have no common base.
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError),
    *(OverflowError, RuntimeError, NotImplementedError, MemoryError),
)
_CHUNK: Final = 1 << 20
_MAX_HEADER: Final = 1 << 20
"""Bytes of a tar header for a long name or other metadata; tarfile reads and parses the whole header in memory."""
_LONG_HEADERS: Final = frozenset(
    {
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    }
)


def scan_archive(path: Path) -> SourceScan:
    """Scan an archive of class folders, or of train/, test/ and val/; the archive is read with its listing.

    Args:
        path: A zip file, or a tar file, plain or compressed with gzip, bzip2 or xz; recognised by content.

    Raises:
        DataError: If the file cannot be accessed.
    """
    return SourceScan(
        file_signature(path), (str(path),), lambda folder, progress: _read_listing(path, folder, progress)
    )


def _read_listing(path: Path, folder: Path, progress: ProgressCallback) -> Listing:
    folders: list[str] = []
    with Spool.create(path, folder, progress) as spool:
        try:
            with path.open("rb") as file:
                start = file.read(_MAGIC_SIZE)
                file.seek(0)
                if start.startswith(b"PK"):
                    _read_zip(spool, file, folders)
                else:
                    _read_tar(spool, file, start, folders)
        except _READ_ERRORS as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DataError(
                f"{path} cannot be read as an archive: {reason}. Expected an intact .zip, .tar, .tar.gz,"
                " .tar.bz2 or .tar.xz file. Download or pack it again."
            ) from error
    return listing_from_folders(str(path), spool.locations, folders)


def _check_member(
    spool: Spool, names: set[str], member: str, *, is_folder: bool, is_regular: bool, size: int
) -> str:
    """Check a member before its bytes are read, and return its normalized name.

    Args:
        spool: The spool of the archive.
        names: Normalized names of the members before; this function adds the member's.
        member: The member's name in the archive.
        is_folder: Whether it is a folder.
        is_regular: Whether it is a regular file.
        size: Its unpacked size in bytes, as the archive states it.

    Returns:
        The name without empty and "." components.

    Raises:
        DataError: If the member is not a plain file or folder inside the archive, or repeats a name, or is too large.
    """
    escaped = ascii(member)
    if member.startswith("/") or "\\" in member or ".." in member.split("/"):
        raise _rejection(spool, f"has a member {escaped} whose name leads out of the archive")
    if not (is_folder or is_regular):
        raise _rejection(spool, f"has a member {escaped} that is a link, a device or another special file")
    name = "/".join(part for part in member.split("/") if part not in ("", "."))
    if name in names and not is_folder:
        raise _rejection(spool, f"has two members named {escaped}")
    names.add(name)
    if len(names) > MAX_MEMBERS:
        raise _rejection(spool, f"has more than {MAX_MEMBERS} members")
    spool.check_size(size)
    return name


def _rejection(spool: Spool, fault: str) -> DataError:
    return DataError(
        f"{spool.source} {fault}; expected an archive of regular files in class folders. Pack the image files again."
    )


def _read_zip(spool: Spool, file: IO[bytes], folders: list[str]) -> None:
    names: set[str] = set()
    with zipfile.ZipFile(file) as archive:
        for number, member in enumerate(archive.infolist()):
            spool.report(number, len(archive.infolist()))
            # The upper half is the file's Unix mode, or 0 if the archive was packed on another system.
            file_type = stat.S_IFMT(member.external_attr >> 16)
            is_folder, is_regular = member.is_dir(), file_type in (0, stat.S_IFREG)
            size = member.file_size
            name = _check_member(
                spool, names, member.filename, is_folder=is_folder, is_regular=is_regular, size=size
            )
            if member.flag_bits & 1:
                raise _rejection(spool, f"has an encrypted member {member.filename!a}")
            if is_folder:
                folders.append(name)
            elif is_picture(name):
                with archive.open(member) as content:
                    spool.add(name, content)


class _LimitedStream(io.RawIOBase):
    """A stream that raises an error if it yields more bytes than the source may unpack to."""

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, spool: Spool) -> None:
        super().__init__()
        self._stream = stream
        self._spool = spool
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        """Read bytes and count them."""
        chunk = self._stream.read(size)
        self._count += len(chunk)
        self._spool.check_size(self._count, unpacked=0)
        return chunk


class _Header(tarfile.TarInfo):
    """A member's header. A damaged one raises an error; tarfile would treat it as the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """Read the next header."""
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":  # the two empty blocks at the end
                raise
            raise ReadError(f"a header is damaged or missing ({error})") from error

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read the block of a header, before the data that may follow it."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _LONG_HEADERS and header.size > _MAX_HEADER:
            raise ReadError(f"a header has {header.size:,} bytes; expected at most {_MAX_HEADER:,}")
        return header


def _read_tar(spool: Spool, file: IO[bytes], start: bytes, folders: list[str]) -> None:
    names: set[str] = set()
    size = spool.source.stat().st_size
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
    # Read as a stream: every byte counts towards the limit, also headers and skipped members.
    stream = _LimitedStream(opener(file) if opener else file, spool)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        while member := archive.next():
            is_folder, is_regular = member.isdir(), member.isreg() and not member.issparse()
            name = _check_member(
                spool, names, member.name, is_folder=is_folder, is_regular=is_regular, size=member.size
            )
            content = archive.extractfile(member) if is_picture(name) else None
            if is_folder and name:
                folders.append(name)
            elif content is not None:
                spool.add(name, content)
            spool.report(file.tell(), size)
            archive.members = []  # type: ignore[attr-defined] # frees memory: up to millions of headers
    # Nothing follows the members, but a compressed stream verifies its checksum only at the end.
    while stream.read(_CHUNK):
        pass
