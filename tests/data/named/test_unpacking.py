"""Reading of the published formats, and rejection of other archives."""

import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from optotype.data.named import unpacking
from optotype.data.named.unpacking import unpack_cifar, unpack_emnist
from optotype.errors import DataError, IdxError
from tests.data.named.archives import add, cifar_records, emnist_zip, tar_gz

UPRIGHT = np.arange(3 * 5 * 4, dtype=np.uint8).reshape(3, 5, 4)
LABELS = np.array([1, 3, 2], np.uint8)
COLOURED = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
CLASSES = np.array([3, 1, 2, 0], np.uint8)
MEMBERS = {"train": ("batches/one.bin", "batches/two.bin"), "test": ("batches/test.bin",)}


def _zip(folder: Path) -> Path:
    return emnist_zip(folder / "gzip.zip", UPRIGHT.transpose(0, 2, 1), LABELS)


def _batches() -> dict[str, bytes]:
    first, second = (cifar_records(COLOURED[part], CLASSES[part]) for part in (slice(0, 3), slice(3, 4)))
    return {
        "batches/readme.html": b"<html>",
        "batches/one.bin": first,
        "batches/two.bin": second,
        "batches/test.bin": second,
    }


def test_emnist_images_are_upright_and_labels_start_at_0(tmp_path: Path) -> None:
    """Transposed images are turned upright and labels start at 0, in both splits."""
    arrays = unpack_emnist({"gzip.zip": _zip(tmp_path)}, "letters", 1)
    assert list(arrays) == ["train", "test"]
    for images, labels in arrays.values():
        np.testing.assert_array_equal(images, UPRIGHT)
        assert labels.tolist() == [0, 2, 1]
        assert labels.dtype == np.uint8
    assert {path.name for path in tmp_path.rglob("*")} == {"gzip.zip"}


@pytest.mark.parametrize("n_labels", [1, 2])
def test_cifar_has_channels_last_and_fine_labels(tmp_path: Path, n_labels: int) -> None:
    """Colour planes become the last axis, batches are concatenated, and the second of two labels is used."""
    coarse = [np.zeros(4, np.uint8)] * (n_labels - 1)
    content = cifar_records(COLOURED, *coarse, CLASSES)
    size = len(content) // 4
    path = tar_gz(
        tmp_path / "cifar.tar.gz",
        {"batches/two.bin": content[size:], "batches/one.bin": content[:size], "batches/test.bin": content},
    )
    arrays = unpack_cifar({path.name: path}, MEMBERS, n_labels)
    for images, unpacked_labels in arrays.values():
        np.testing.assert_array_equal(images, COLOURED)
        assert unpacked_labels.tolist() == CLASSES.tolist()


def _replace_by_link(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("gzip/emnist-letters-train-images-idx3-ubyte.gz")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")


def _duplicate_member(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("gzip/emnist-letters-train-images-idx3-ubyte.gz", b"again")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _flip_bits(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[90] ^= 0xFF
    path.write_bytes(bytes(content))


def _remove_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w"):
        pass


@pytest.mark.parametrize(
    "damage", [_replace_by_link, _duplicate_member, _truncate, _flip_bits, _remove_members]
)
def test_invalid_zip_is_rejected(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A link, a repeated or missing member or damage raises an error with the archive's name; nothing is written."""
    path = _zip(tmp_path)
    damage(path)
    with pytest.raises((DataError, IdxError), match=r"gzip\.zip"):
        unpack_emnist({"gzip.zip": path}, "letters", 1)
    assert {file.name for file in tmp_path.rglob("*")} == {"gzip.zip"}


def test_oversized_members_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that declares more than the limit is not decompressed, in a zip or in a tar archive."""
    monkeypatch.setattr(unpacking, "_MAX_MEMBER", 60)
    with pytest.raises(DataError, match=r"not have exactly one regular file .* of at most 60 bytes"):
        unpack_emnist({"gzip.zip": _zip(tmp_path)}, "letters", 1)
    path = tar_gz(tmp_path / "cifar.tar.gz", _batches())
    with pytest.raises(DataError, match=r"one\.bin is not a regular file, or is too large"):
        unpack_cifar({path.name: path}, MEMBERS, 1)


def test_labels_below_the_first_label_are_rejected(tmp_path: Path) -> None:
    """A label of 0 among letters, which start at 1, does not become the last class."""
    path = emnist_zip(tmp_path / "gzip.zip", UPRIGHT, LABELS - 1)
    with pytest.raises(DataError, match="a label below 1"):
        unpack_emnist({"gzip.zip": path}, "letters", 1)


def test_arrays_of_another_rank_in_a_zip_are_rejected(tmp_path: Path) -> None:
    """IDX files of another rank are rejected."""
    path = emnist_zip(tmp_path / "gzip.zip", UPRIGHT.reshape(15, 4), LABELS)
    with pytest.raises(DataError, match="not uint8 images and labels"):
        unpack_emnist({"gzip.zip": path}, "letters", 1)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
)
def test_only_regular_members_are_read(tmp_path: Path, kind: bytes) -> None:
    """A link, pipe, device or folder under an expected name is rejected; other members do not matter."""
    path = tmp_path / "cifar.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("batches/one.bin")
        member.type, member.linkname = kind, "/etc/passwd"
        add(archive, member)
    with pytest.raises(DataError, match=r"one\.bin is not a regular file"):
        unpack_cifar({path.name: path}, MEMBERS, 1)


def test_invalid_tar_is_rejected(tmp_path: Path) -> None:
    """A repeated or missing member, half a record and damage raise errors with the archive's name."""
    path = tmp_path / "cifar.tar.gz"
    members = _batches()
    with tarfile.open(path, "w:gz") as archive:
        for name in ("batches/one.bin", "batches/one.bin"):
            add(archive, tarfile.TarInfo(name), members[name])
    with pytest.raises(DataError, match="occurs twice"):
        unpack_cifar({path.name: path}, MEMBERS, 1)
    tar_gz(path, {name: content for name, content in members.items() if "test" not in name})
    with pytest.raises(
        DataError, match=r"cifar\.tar\.gz differs from the published archive: it has no batches/test\.bin"
    ):
        unpack_cifar({path.name: path}, MEMBERS, 1)
    tar_gz(path, members | {"batches/test.bin": b"half a record"})
    with pytest.raises(DataError, match="13 bytes are not a multiple of the record size 3073"):
        unpack_cifar({path.name: path}, MEMBERS, 1)
    tar_gz(path, members)
    _truncate(path)
    with pytest.raises(DataError, match="differs from the published archive"):
        unpack_cifar({path.name: path}, MEMBERS, 1)
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="differs from the published archive"):
        unpack_cifar({path.name: path}, MEMBERS, 1)
