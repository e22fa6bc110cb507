"""Archives, including hostile ones."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optotype.data.sources import spool
from optotype.data.sources.archives import scan_archive
from optotype.data.sources.listing import Listing
from optotype.errors import DataError
from optotype.progress import ignore_progress
from tests.data.picture_files import names, picture

Members = Sequence[tuple[str, bytes]]
TARS = {".tar": "w", ".tar.gz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}
IMAGES: Members = [(name, picture(seed)) for seed, name in enumerate(names(2))]


def write_zip(path: Path, members: Members) -> Path:
    """Write a zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def write_tar(path: Path, members: Members, extra: Sequence[tarfile.TarInfo] = ()) -> Path:
    """Write a tar file, compressed as its name says."""
    mode = next(mode for suffix, mode in TARS.items() if path.name.endswith(suffix))
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in extra:
            archive.addfile(member)
    return path


def _list(path: Path) -> Listing:
    folder = path.parent / "spool"
    folder.mkdir()
    return scan_archive(path).read_listing(folder, ignore_progress)


def _assert_rejected(path: Path, message: str) -> None:
    """Check that an archive is rejected, and that nothing is written outside of the spool's folder."""
    before = set(path.parent.rglob("*")) - {path.parent / "spool"}
    with pytest.raises(DataError, match=message):
        _list(path)
    assert {file for file in path.parent.rglob("*") if file.parent.name != "spool"} - before == {
        path.parent / "spool"
    }


def _zip_or_tar(path: Path, members: Members) -> Path:
    return write_zip(path, members) if path.suffix == ".zip" else write_tar(path, members)


@pytest.mark.parametrize("suffix", [".zip", *TARS])
def test_archive_equals_its_folder(tmp_path: Path, suffix: str) -> None:
    """Zip and tar archives, however compressed, give their image files byte for byte and nothing else."""
    ignored_members = [("pets/notes.txt", b"x"), ("__MACOSX/cat/0.png", b"x"), ("pets/cat/._0.png", b"x")]
    members = [*ignored_members, *((f"pets/{name}", content) for name, content in reversed(IMAGES))]
    listing = _list(_zip_or_tar(tmp_path / f"pets{suffix}", members))
    assert listing.class_names == ("cat", "dog")
    assert [row.location.file for row in listing.splits["train"]] == [f"pets/{name}" for name, _ in IMAGES]
    for row, (_, content) in zip(listing.splits["train"], IMAGES, strict=True):
        spool_content = Path(row.location.path).read_bytes()
        assert row.location.size is not None
        assert spool_content[row.location.offset : row.location.offset + row.location.size] == content


def test_empty_class_folder_is_rejected(tmp_path: Path) -> None:
    """An empty class folder is detected in an archive too."""
    _assert_rejected(
        write_zip(tmp_path / "a.zip", [*IMAGES, ("cow/", b"")]), "class folder 'cow' of .* has no image file"
    )


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize(
    "name",
    ["../cat/evil.png", "cat/../../evil.png", "/cat/evil.png", "cat\\..\\evil.png", "..", "C:\\evil.png"],
)
def test_member_names_outside_the_archive_are_rejected(tmp_path: Path, suffix: str, name: str) -> None:
    """A member that extraction would write elsewhere makes the archive invalid."""
    _assert_rejected(
        _zip_or_tar(tmp_path / f"a{suffix}", [*IMAGES, (name, b"evil")]),
        "whose name leads out of the archive",
    )


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["cat/0.png", "./cat/0.png", "cat//0.png"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_member_name_is_rejected(tmp_path: Path, suffix: str, name: str) -> None:
    """Two members with the same name are ambiguous, however the name is written, and rejected."""
    _assert_rejected(_zip_or_tar(tmp_path / f"a{suffix}", [*IMAGES, (name, b"")]), "two members named")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_special_members_of_a_tar_are_rejected(tmp_path: Path, kind: bytes) -> None:
    """Links, devices and pipes are rejected, wherever they lead."""
    member = tarfile.TarInfo("cat/special.png")
    member.type, member.linkname = kind, "cat/0.png"
    _assert_rejected(
        write_tar(tmp_path / "a.tar", IMAGES, [member]), "a link, a device or another special file"
    )


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_special_members_of_a_zip_are_rejected(tmp_path: Path, kind: int) -> None:
    """Links and devices in a zip file, known by their mode, are rejected."""
    member = zipfile.ZipInfo("cat/special.png")
    member.external_attr = (kind | 0o644) << 16
    with zipfile.ZipFile(write_zip(tmp_path / "a.zip", IMAGES), "a") as archive:
        archive.writestr(member, "/etc/passwd")
    _assert_rejected(tmp_path / "a.zip", "a link, a device or another special file")


@pytest.mark.parametrize("suffix", [".zip", *list(TARS)[1:]])
@pytest.mark.parametrize("name", ["cat/bomb.png", "bomb.txt"])
def test_decompression_bombs_are_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, name: str
) -> None:
    """An archive that unpacks to far more than its size is rejected, and little of it is written."""
    monkeypatch.setattr(spool, "FREE_BYTES", 1 << 20)
    path = _zip_or_tar(tmp_path / f"a{suffix}", [*IMAGES, (name, bytes(8 << 20))])
    _assert_rejected(path, "unpacks to more than 1 MiB and 200 times its own size")
    assert sum(file.stat().st_size for file in (tmp_path / "spool").iterdir()) < 4 << 20


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_oversized_tar_header_is_rejected(tmp_path: Path, form: int) -> None:
    """A large header, in either form, is rejected by its declared size, before it fills the memory."""
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz", format=form) as archive:
        archive.addfile(tarfile.TarInfo("x" * (2 << 20)))
    _assert_rejected(tmp_path / "a.tar.xz", r"a header has 2,\d+,\d+ bytes; expected at most 1,048,576")


def test_long_names_in_a_tar_are_read(tmp_path: Path) -> None:
    """A long name with a header of its own is accepted."""
    long = [(f"{'x' * 200}/{name}", content) for name, content in IMAGES]
    assert _list(write_tar(tmp_path / "a.tar", long)).class_names == ("cat", "dog")


def test_zip_member_larger_than_declared_is_rejected(tmp_path: Path) -> None:
    """A member that unpacks to more than its declared size is cut there and fails its checksum."""
    path = write_zip(tmp_path / "a.zip", [*IMAGES, ("cat/bomb.png", bytes(1 << 20))])
    content = path.read_bytes().replace((1 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(content)
    _assert_rejected(path, "cannot be read as an archive")


def test_encrypted_member_is_rejected(tmp_path: Path) -> None:
    """An encrypted member is named in the error."""
    path = write_zip(tmp_path / "a.zip", IMAGES)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    _assert_rejected(path, "has an encrypted member 'cat/0.png'")


@pytest.mark.parametrize("suffix", TARS)
@pytest.mark.parametrize("twentieths", range(1, 20, 3))
def test_truncated_tar_is_rejected(tmp_path: Path, suffix: str, twentieths: int) -> None:
    """A tar file that was cut anywhere, also between two members, is rejected."""
    path = write_tar(tmp_path / f"a{suffix}", IMAGES)
    content = path.read_bytes()
    # What follows a plain tar's last member is padding of any length.
    end = len(IMAGES) * 1024 if suffix == ".tar" else len(content)
    path.write_bytes(content[: end * twentieths // 20])
    _assert_rejected(path, "cannot be read as an archive")


@pytest.mark.parametrize("members", range(1, len(IMAGES) + 1))
def test_tar_truncated_between_members_is_rejected(tmp_path: Path, members: int) -> None:
    """A tar file without the empty blocks at its end is rejected."""
    path = write_tar(tmp_path / "a.tar", IMAGES)
    path.write_bytes(path.read_bytes()[: members * 1024])
    _assert_rejected(path, "a header is damaged or missing")


def test_missing_archive_raises_data_error(tmp_path: Path) -> None:
    """A missing archive is a DataError."""
    with pytest.raises(DataError, match="cannot be read: No such file"):
        scan_archive(tmp_path / "gone.zip")


def _is_listed_or_rejected(path: Path, folder: Path) -> bool:
    try:
        return len(scan_archive(path).read_listing(folder, ignore_progress).splits["train"]) > 0
    except DataError as error:
        return str(path) in str(error)
    finally:
        for file in folder.iterdir():
            file.unlink()


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_damaged_archive_is_listed_or_rejected(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    """If bytes are changed or cut off, reading returns a listing or raises a DataError with the archive's name."""
    content = bytearray(_zip_or_tar(tmp_path / f"whole{suffix}", IMAGES).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path, folder = tmp_path / f"damaged{suffix}", tmp_path / "spool"
    folder.mkdir(exist_ok=True)
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert _is_listed_or_rejected(path, folder)
