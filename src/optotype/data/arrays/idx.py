"""IDX files, in and out, the format of MNIST: a plain file is mapped, not read, and no malformed one gets through.

The format is described on the page of the MNIST database (Y. LeCun, C. Cortes, C. J. C. Burges,
http://yann.lecun.com/exdb/mnist/): two zero bytes, a type code, the number of dimensions, each dimension as a 32-bit
integer, then the values; all big-endian, and nothing after them.
"""

import gzip
import math
import sys
import zlib
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.errors import IdxError
from optotype.storage.atomic import replacing

_TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP: Final = b"\x1f\x8b"
_MAGIC_SIZE: Final = 4
_MOST_DIMENSIONS: Final = 8
_MOST_UNPACKED: Final = 4 << 30
_CHUNK: Final = 1 << 20


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an IDX file, plain or compressed with gzip (told apart by content, not by name).

    Args:
        path: The file.

    Returns:
        The array, read-only, in the file's shape and type (big-endian where values have several bytes). That of a
        plain file is mapped into memory: pages are read when touched, and the file must stay as it is meanwhile.

    Raises:
        IdxError: The file cannot be read or is malformed; the message names the file, and where the fault lies in
            it the byte offset (after decompression), what was expected there and what was found.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise IdxError(f"{path} is not a file. Expected an IDX file, plain or .gz; check the path.")
        with path.open("rb") as file:
            compressed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            return unpack_idx(path, file) if compressed else _map(path, file)
    except OSError as error:
        raise IdxError(
            f"{path} cannot be read: {error.strerror or error}. Check the file and its rights."
        ) from error


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write bytes as a plain IDX file, whole or not at all.

    Args:
        path: Where; its folder must exist.
        array: uint8 of 1 to 8 dimensions.

    Raises:
        OSError: The file cannot be written.
    """
    with replacing(path) as file:
        file.write(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes())
        file.write(np.ascontiguousarray(array).data)


def _fault(path: Path, offset: int, expected: str, found: str) -> IdxError:
    return IdxError(
        f"{path} is not a sound IDX file: at byte {offset}, expected {expected}, found {found}."
        " Fetch or write the file again."
    )


def _map(path: Path, file: IO[bytes]) -> NDArray[Any]:
    kind, shape, start = _header(path, file)
    declared = math.prod(shape) * kind.itemsize
    found = file.seek(0, 2) - start
    if found != declared:
        raise _fault(path, start, f"{declared} bytes of values for shape {shape}", f"{found} bytes")
    if not declared:
        return _locked(np.empty(shape, kind))
    return np.memmap(file, kind, "r", start, shape).view(np.ndarray)


def unpack_idx(path: Path, file: IO[bytes]) -> NDArray[Any]:
    """Decompress an IDX file, and no more than its header declares: a small one cannot fill the memory by surprise.

    Args:
        path: What to call the file in messages.
        file: Where its gzip data begin.

    Returns:
        The array, read-only, in the file's shape and type.

    Raises:
        IdxError: As for `read_idx`.
    """
    with gzip.GzipFile(fileobj=file, mode="rb") as stream:
        try:
            kind, shape, start = _header(path, stream)
            declared = math.prod(shape) * kind.itemsize
            if declared > _MOST_UNPACKED:
                raise IdxError(
                    f"{path} declares {declared} bytes of values, expected at most {_MOST_UNPACKED} in a compressed"
                    " file. Decompress it with gunzip: a plain file is mapped into memory."
                )
            values = bytearray()
            while chunk := stream.read(min(_CHUNK, declared + 1 - len(values))):
                values += chunk
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _fault(path, stream.tell(), "sound gzip data", f"damage ({error})") from error
    if len(values) != declared:
        found = "more" if len(values) > declared else f"{len(values)} bytes"
        raise _fault(path, start, f"{declared} bytes of values for shape {shape}", found)
    return _locked(np.ndarray(shape, kind, values))


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _header(path: Path, stream: IO[bytes] | gzip.GzipFile) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Give the type, the shape and where the values start."""
    magic = stream.read(_MAGIC_SIZE)
    if len(magic) < _MAGIC_SIZE:
        raise _fault(path, 0, f"a header of at least {_MAGIC_SIZE} bytes", f"{len(magic)} bytes")
    if magic[:2] != b"\0\0":
        raise _fault(path, 0, "two zero bytes", f"0x{magic[:2].hex()}")
    if magic[2] not in _TYPES:
        known = ", ".join(f"0x{code:02x}" for code in _TYPES)
        raise _fault(path, 2, f"a type code among {known}", f"0x{magic[2]:02x}")
    rank = magic[3]
    if not 1 <= rank <= _MOST_DIMENSIONS:
        raise _fault(path, 3, f"1 to {_MOST_DIMENSIONS} dimensions", str(rank))
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise _fault(
            path, _MAGIC_SIZE, f"{4 * rank} bytes, the size of {rank} dimensions", f"{len(sizes)} bytes"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    kind = np.dtype(_TYPES[magic[2]])
    # NumPy refuses a shape whose other sides overflow even where one of them is 0.
    if math.prod(size for size in shape if size) * kind.itemsize > sys.maxsize:
        raise _fault(path, _MAGIC_SIZE, "a shape that fits into memory", str(shape))
    return kind, shape, _MAGIC_SIZE + 4 * rank
