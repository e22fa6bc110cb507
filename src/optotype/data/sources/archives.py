"""Zip and tar archives of pictures: read by member, never extracted under a name that the archive chose.

The bytes of all pictures go one after another into a single file of our own, and a picture is known by its place there;
so no name in the archive can lead anywhere. An archive with a member that no honest one has is refused as a whole.
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

from optotype.data.sources.listing import Listing, Survey, arrange, is_picture, stamp_of
from optotype.data.sources.spool import Spool
from optotype.errors import DataError
from optotype.progress import Report

MOST_MEMBERS: Final = 10_000_000

_OPENERS: Final[Mapping[bytes, Callable[[IO[bytes]], io.BufferedIOBase]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
"""How a compressed tar begins, and what reads it."""
_MAGIC: Final = 6
_FAULTS: Final = (
    # What the readers raise of a damaged or hostile archive is not one tree.
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError),
    *(OverflowError, RuntimeError, NotImplementedError, MemoryError),
)
_CHUNK: Final = 1 << 20
_LONGEST_HEADER: Final = 1 << 20
"""Bytes of a tar's header for a long name or other particulars; tarfile reads it whole and takes it to pieces."""
_LONG_HEADERS: Final = frozenset(
    {
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    }
)


def survey_archive(path: Path) -> Survey:
    """Look at an archive of class folders, or of train/, test/ and val/; it is read when the listing is.

    Args:
        path: A zip file, or a tar file, plain or compressed with gzip, bzip2 or xz; told apart by content.

    Raises:
        DataError: It cannot be read.
    """
    return Survey(stamp_of(path), (str(path),), lambda folder, report: _list(path, folder, report))


def _list(path: Path, folder: Path, report: Report) -> Listing:
    folders: list[str] = []
    with Spool.opened(path, folder, report) as spool:
        try:
            with path.open("rb") as file:
                start = file.read(_MAGIC)
                file.seek(0)
                if start.startswith(b"PK"):
                    _read_zip(spool, file, folders)
                else:
                    _read_tar(spool, file, start, folders)
        except _FAULTS as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DataError(
                f"{path} cannot be read as an archive: {reason}. Expected a sound .zip, .tar, .tar.gz, .tar.bz2 or"
                " .tar.xz file; fetch or pack it again."
            ) from error
    return arrange(str(path), spool.found, folders)


def _check(spool: Spool, names: set[str], member: str, *, folder: bool, regular: bool, size: int) -> str:
    """Refuse a member that no honest archive has, before its bytes are read.

    Args:
        spool: Of the archive.
        names: Of the members before, as this function gave them; it adds this one.
        member: Its name there.
        folder: Whether it is a folder.
        regular: Whether it is a plain file.
        size: How many bytes it unpacks to, as it says itself.

    Returns:
        Its name with the superfluous taken away.
    """
    shown = ascii(member)
    if member.startswith("/") or "\\" in member or ".." in member.split("/"):
        raise _refusal(spool, f"has a member {shown}, whose name leads out of it")
    if not (folder or regular):
        raise _refusal(spool, f"has a member {shown} that is a link, a device or another special file")
    name = "/".join(part for part in member.split("/") if part not in ("", "."))
    if name in names and not folder:
        raise _refusal(spool, f"has two members named {shown}")
    names.add(name)
    if len(names) > MOST_MEMBERS:
        raise _refusal(spool, f"has more than {MOST_MEMBERS} members")
    spool.require(size)
    return name


def _refusal(spool: Spool, what: str) -> DataError:
    return DataError(
        f"{spool.source} {what}, expected an archive of plain files in class folders. Pack the pictures again."
    )


def _read_zip(spool: Spool, file: IO[bytes], folders: list[str]) -> None:
    names: set[str] = set()
    with zipfile.ZipFile(file) as archive:
        for number, member in enumerate(archive.infolist()):
            spool.tell(number, len(archive.infolist()))
            # The upper half is the file's mode where the archive was packed on Unix, else 0.
            kind = stat.S_IFMT(member.external_attr >> 16)
            folder, regular = member.is_dir(), kind in (0, stat.S_IFREG)
            size = member.file_size
            name = _check(spool, names, member.filename, folder=folder, regular=regular, size=size)
            if member.flag_bits & 1:
                raise _refusal(spool, f"has an encrypted member {member.filename!a}")
            if folder:
                folders.append(name)
            elif is_picture(name):
                with archive.open(member) as content:
                    spool.take(name, content)


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where more comes out of it than the source may unpack to."""

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, spool: Spool) -> None:
        super().__init__()
        self._stream = stream
        self._spool = spool
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        """Read, and count."""
        chunk = self._stream.read(size)
        self._count += len(chunk)
        self._spool.require(self._count, beside=0)
        return chunk


class _Header(tarfile.TarInfo):
    """A member's header; a damaged one is an error, where tarfile would take it for the end of the archive."""

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
        """Read the block of a header, before what may follow it is read."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _LONG_HEADERS and header.size > _LONGEST_HEADER:
            raise ReadError(f"a header of {header.size:,} bytes, expected at most {_LONGEST_HEADER:,}")
        return header


def _read_tar(spool: Spool, file: IO[bytes], start: bytes, folders: list[str]) -> None:
    names: set[str] = set()
    size = spool.source.stat().st_size
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
    # As a stream: every byte passes the bound, headers and skipped members too.
    stream = _Bounded(opener(file) if opener else file, spool)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        while member := archive.next():
            folder, regular = member.isdir(), member.isreg() and not member.issparse()
            name = _check(spool, names, member.name, folder=folder, regular=regular, size=member.size)
            content = archive.extractfile(member) if is_picture(name) else None
            if folder and name:
                folders.append(name)
            elif content is not None:
                spool.take(name, content)
            spool.tell(file.tell(), size)
            archive.members = []  # type: ignore[attr-defined] # else a million headers stay in memory
    # What follows the members is nothing, but only at the end does a compressed stream prove that it is sound.
    while stream.read(_CHUNK):
        pass
