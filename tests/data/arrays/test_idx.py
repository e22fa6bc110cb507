"""The reader of IDX files."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from optotype.data.arrays.idx import read_idx
from optotype.errors import IdxError

_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
_ARRAYS = st.sampled_from([f">{kind}" for kind in _CODES]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=1, max_dims=8, min_side=0, max_side=3))
)


def _idx(array: NDArray[Any]) -> bytes:
    head = bytes([0, 0, _CODES[array.dtype.str[1:]], array.ndim])
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _returns_array_or_raises_idx_error(path: Path) -> bool:
    """Return whether reading gives an array; else check that an IdxError names the file."""
    try:
        return isinstance(read_idx(path), np.ndarray)
    except IdxError as error:
        return str(path) in str(error)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a file that every example rewrites."""
    return tmp_path_factory.mktemp("idx") / "file"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@given(array=_ARRAYS)
def test_round_trip(scratch: Path, pack: Callable[[bytes], bytes], array: NDArray[Any]) -> None:
    """Arrays of every dtype are read back unchanged and read-only, plain or compressed."""
    # A new file each time: one that is mapped must not be written over.
    scratch.unlink(missing_ok=True)
    scratch.write_bytes(pack(_idx(array)))
    read = read_idx(scratch)
    assert type(read) is np.ndarray
    assert read.dtype == array.dtype
    assert not read.flags.writeable
    np.testing.assert_array_equal(read, array)


@given(array=_ARRAYS, packed=st.booleans(), data=st.data())
def test_damaged_file_returns_an_array_or_raises_idx_error(
    scratch: Path, array: NDArray[Any], packed: bool, data: st.DataObject
) -> None:
    """If bytes are changed, cut off or added, reading returns an array or raises IdxError."""
    content = bytearray(gzip.compress(_idx(array), mtime=0) if packed else _idx(array))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = content[: data.draw(st.integers(0, len(content)))] + data.draw(st.binary(max_size=4))
    scratch.unlink(missing_ok=True)
    scratch.write_bytes(damaged)
    assert _returns_array_or_raises_idx_error(scratch)


@given(content=st.binary(max_size=64))
def test_arbitrary_bytes_return_an_array_or_raise_idx_error(scratch: Path, content: bytes) -> None:
    """A file of any bytes, with or without the gzip magic, crashes nothing."""
    for start in (b"", b"\x1f\x8b\x08", b"\0\0\x08"):
        scratch.unlink(missing_ok=True)
        scratch.write_bytes(start + content)
        assert _returns_array_or_raises_idx_error(scratch)


def test_uncompressed_file_is_memory_mapped(tmp_path: Path) -> None:
    """The values of a plain file stay on disk until they are accessed."""
    path = tmp_path / "images"
    path.write_bytes(_idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)))
    base: object = read_idx(path)
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_compression_is_recognised_by_content(tmp_path: Path) -> None:
    """A gzip file without .gz and a plain file with .gz are both read."""
    array = np.arange(5, dtype=np.uint8)
    for name, content in (("packed", gzip.compress(_idx(array))), ("plain.gz", _idx(array))):
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(read_idx(tmp_path / name), array)


_GOOD = _idx(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at byte 0, expected a header of at least 4 bytes, found 0 bytes"),
        (b"\0\0\x08", "at byte 0, expected a header of at least 4 bytes, found 3 bytes"),
        (b"PNG\x01" + _GOOD[4:], "at byte 0, expected two zero bytes, found 0x504e"),
        (b"\0\0\x0a" + _GOOD[3:], "at byte 2, expected a type code among 0x08, .*, found 0x0a"),
        (b"\0\0\x08\0", "at byte 3, expected 1 to 8 dimensions, found 0"),
        (b"\0\0\x08\x09" + bytes(36), "at byte 3, expected 1 to 8 dimensions, found 9"),
        (_GOOD[:10], "at byte 4, expected 8 bytes, the size of 2 dimensions, found 6 bytes"),
        (_GOOD[:-1], r"at byte 12, expected 6 bytes of values for shape \(2, 3\), found 5 bytes"),
        (_GOOD[:12], r"at byte 12, expected 6 bytes of values for shape \(2, 3\), found 0 bytes"),
        (_GOOD + b"!", r"at byte 12, expected 6 bytes of values for shape \(2, 3\), found (7 bytes|more)"),
        (b"\0\0\x08\x08" + b"\xff" * 32, "at byte 4, expected a shape that fits into memory"),
        (b"\0\0\x08\x03" + bytes(4) + b"\xff" * 8, "at byte 4, expected a shape that fits into memory"),
    ],
)
def test_malformed_file_raises_idx_error_with_position(
    tmp_path: Path, pack: Callable[[bytes], bytes], content: bytes, message: str
) -> None:
    """The error names the file, the byte, the expected and the actual value; compressed or not."""
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(pack(content))
    with pytest.raises(IdxError, match=f"{path} is not an intact IDX file: {message}"):
        read_idx(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-1],  # the length at the end is cut
        lambda packed: packed[:-9],  # and so are the values
        lambda packed: packed[:5],  # and so is the header
        lambda packed: packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:],  # the checksum is wrong
        lambda packed: packed[:10] + b"\xff" + packed[11:],  # no such block
        lambda packed: packed[:2] + b"\x07" + packed[3:],  # no such method
        lambda packed: packed + b"rubbish",
    ],
)
def test_damaged_gzip_data_raise_idx_error(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Incomplete or corrupt gzip data raise IdxError with the position."""
    path = tmp_path / "file.gz"
    path.write_bytes(damage(gzip.compress(_GOOD)))
    with pytest.raises(IdxError, match=r"at byte \d+, expected intact gzip data, found damage"):
        read_idx(path)


def test_decompression_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a header declares 6 bytes, only the beginning of 64 MiB is decompressed."""
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(_GOOD + bytes(64 << 20), 1))
    chunk_sizes = []
    original = gzip.GzipFile.read

    def counting_read(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        chunk = original(self, size)
        chunk_sizes.append(len(chunk))
        return chunk

    monkeypatch.setattr(gzip.GzipFile, "read", counting_read)
    with pytest.raises(IdxError, match="found more"):
        read_idx(path)
    assert sum(chunk_sizes) == len(_GOOD) + 1


def test_compressed_file_above_4_gib_is_rejected(tmp_path: Path) -> None:
    """A compressed file that declares more than 4 GiB is rejected before its values are read."""
    path = tmp_path / "huge.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x02" + struct.pack(">2I", 1 << 20, 1 << 13)))
    with pytest.raises(IdxError, match=r"declares 8589934592 bytes .* gunzip"):
        read_idx(path)


def test_path_that_is_not_a_file_raises_idx_error(tmp_path: Path) -> None:
    """A missing file and a folder are named in the error."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(IdxError, match=f"{path} is not a file"):
            read_idx(path)


def test_unreadable_file_raises_idx_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the operating system becomes an IdxError with its reason."""
    path = tmp_path / "file"
    path.write_bytes(_GOOD)

    def raise_permission_error(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", raise_permission_error)
    with pytest.raises(IdxError, match="Permission denied"):
        read_idx(path)
