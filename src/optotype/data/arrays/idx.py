"""Reading and writing of IDX files, the format of MNIST. Plain files are memory-mapped; malformed ones are rejected.

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
_MAX_DIMENSIONS: Final = 8
_MAX_UNPACKED: Final = 4 << 30
_CHUNK: Final = 1 << 20


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an IDX file, plain or compressed with gzip (recognised by content, not by name).

    Args:
        path: The file.

    Returns:
        The array, read-only, in the file's shape and dtype (big-endian if values have several bytes). The array of a
        plain file is memory-mapped: pages are read on access, and the file must not change meanwhile.

    Raises:
        IdxError: If the file cannot be read or is malformed. The message names the file, the byte offset of the fault
            (after decompression), the expected value there and the actual one.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise IdxError(f"{path} is not a file; expected an IDX file, plain or .gz. Check the path.")
        with path.open("rb") as file:
            compressed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            return decompress_idx(path, file) if compressed else _map(path, file)
    except OSError as error:
        raise IdxError(
            f"{path} cannot be read: {error.strerror or error}; expected a readable file. Check its permissions."
        ) from error


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array as a plain IDX file, atomically.

    Args:
        path: The file; its folder must exist.
        array: uint8 with 1 to 8 dimensions.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as file:
        file.write(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes())
        file.write(np.ascontiguousarray(array).data)


def _error(path: Path, offset: int, expected: str, actual: str) -> IdxError:
    return IdxError(
        f"{path} is not an intact IDX file: at byte {offset}, expected {expected}, found {actual}."
        " Download or write the file again."
    )


def _map(path: Path, file: IO[bytes]) -> NDArray[Any]:
    dtype, shape, start = _read_header(path, file)
    declared = math.prod(shape) * dtype.itemsize
    actual = file.seek(0, 2) - start
    if actual != declared:
        raise _error(path, start, f"{declared} bytes of values for shape {shape}", f"{actual} bytes")
    if not declared:
        return _read_only(np.empty(shape, dtype))
    return np.memmap(file, dtype, "r", start, shape).view(np.ndarray)


def decompress_idx(path: Path, file: IO[bytes]) -> NDArray[Any]:
    """Decompress an IDX file, up to the size in its header: a small file cannot exhaust the memory.

    Args:
        path: Path of the file for messages.
        file: The file, at the start of its gzip data.

    Returns:
        The array, read-only, in the file's shape and dtype.

    Raises:
        IdxError: As for `read_idx`.
    """
    with gzip.GzipFile(fileobj=file, mode="rb") as stream:
        try:
            dtype, shape, start = _read_header(path, stream)
            declared = math.prod(shape) * dtype.itemsize
            if declared > _MAX_UNPACKED:
                raise IdxError(
                    f"{path} declares {declared} bytes of values; expected at most {_MAX_UNPACKED} in a compressed"
                    " file. Decompress it with gunzip: plain files are memory-mapped."
                )
            values = bytearray()
            while chunk := stream.read(min(_CHUNK, declared + 1 - len(values))):
                values += chunk
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _error(path, stream.tell(), "intact gzip data", f"damaged data ({error})") from error
    if len(values) != declared:
        actual = "more" if len(values) > declared else f"{len(values)} bytes"
        raise _error(path, start, f"{declared} bytes of values for shape {shape}", actual)
    return _read_only(np.ndarray(shape, dtype, values))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _read_header(path: Path, stream: IO[bytes] | gzip.GzipFile) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Read the header; return the dtype, the shape and the offset of the values."""
    magic = stream.read(_MAGIC_SIZE)
    if len(magic) < _MAGIC_SIZE:
        raise _error(path, 0, f"a header of at least {_MAGIC_SIZE} bytes", f"{len(magic)} bytes")
    if magic[:2] != b"\0\0":
        raise _error(path, 0, "two zero bytes", f"0x{magic[:2].hex()}")
    if magic[2] not in _TYPES:
        known = ", ".join(f"0x{code:02x}" for code in _TYPES)
        raise _error(path, 2, f"a type code among {known}", f"0x{magic[2]:02x}")
    rank = magic[3]
    if not 1 <= rank <= _MAX_DIMENSIONS:
        raise _error(path, 3, f"1 to {_MAX_DIMENSIONS} dimensions", str(rank))
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise _error(
            path, _MAGIC_SIZE, f"{4 * rank} bytes, the size of {rank} dimensions", f"{len(sizes)} bytes"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(_TYPES[magic[2]])
    # NumPy rejects a shape whose other sides overflow even if one of them is 0.
    if math.prod(size for size in shape if size) * dtype.itemsize > sys.maxsize:
        raise _error(path, _MAGIC_SIZE, "a shape that fits into memory", str(shape))
    return dtype, shape, _MAGIC_SIZE + 4 * rank
