"""Places of named data sets and their order, and downloads. MNIST is in the package."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import optotype.data
from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.data.named import load as named_load
from optotype.data.named.catalogue import CATALOGUE, NamedSet
from optotype.data.named.download import RemoteFile
from optotype.data.named.load import load_named
from optotype.data.named.unpacking import unpack_emnist
from optotype.errors import DataError
from tests.data.named.archives import emnist_zip
from tests.data.named.server import serving, status
from tests.training.samples import write_idx

# Of the uncompressed files, as published in SecML (secml.data.loader.CDataLoaderMNIST, version 0.13).
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([1, 2, 2, 1], np.uint8)


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    """Load MNIST once."""
    return load("mnist")


@pytest.fixture(autouse=True)
def isolated_data_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use only folders in tmp_path."""
    monkeypatch.setenv("OPTOTYPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("OPTOTYPE_DATA", raising=False)
    monkeypatch.delenv("OPTOTYPE_OFFLINE", raising=False)
    monkeypatch.setattr(named_load, "SYSTEM", tmp_path / "system")


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    """Return the archive of a data set of four images."""
    return emnist_zip(tmp_path / "gzip.zip", IMAGES.transpose(0, 2, 1), LABELS).read_bytes()


def _publish(monkeypatch: pytest.MonkeyPatch, archive: bytes, *addresses: str) -> RemoteFile:
    """Add the data set "tiny" with these addresses to the catalogue."""
    original = RemoteFile("gzip.zip", len(archive), hashlib.sha256(archive).hexdigest(), addresses)
    tiny = NamedSet(
        class_names=("p", "q"),
        shape=(3, 2, 1),
        licence="CC0",
        citation="A. Nobody: Nothing. 2026",
        files=(original,),
        unpack=partial(unpack_emnist, variant="letters", first_label=1),
    )
    monkeypatch.setitem(cast("dict[str, NamedSet]", CATALOGUE), "tiny", tiny)
    return original


def _write(folder: Path, pixel: int = 0) -> Path:
    """Write the four IDX files of a data set like "tiny", with one pixel that identifies it."""
    folder.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        images = IMAGES.copy()
        images[0, 0, 0] = pixel
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", LABELS - 1)
    return folder


def test_mnist_has_its_published_sizes(mnist: Dataset) -> None:
    """MNIST has 60,000 training and 10,000 test images of 28 x 28 in ten classes, of the known sizes."""
    assert mnist.images.shape == (60_000, 28, 28, 1)
    assert mnist.images.dtype == np.uint8
    assert mnist.labels.dtype == np.int64
    assert mnist.shape == (28, 28, 1)
    assert mnist.class_names == tuple("0123456789")
    assert mnist.test.n == 10_000
    assert np.bincount(mnist.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert (mnist.name, mnist.source) == ("mnist", "mnist")
    assert "CC BY-SA 3.0" in mnist.licence
    assert "LeCun" in mnist.citation


@pytest.mark.parametrize(("name", "published"), MNIST_MD5.items())
def test_packaged_files_have_the_published_hashes(name: str, published: str) -> None:
    """Each file in the package equals the published one."""
    path = Path(optotype.data.__file__).parent / "mnist" / name
    assert hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == published


def test_licence_is_packaged_with_the_files() -> None:
    """MNIST's licence is in its folder, with name, text and authors."""
    text = (Path(optotype.data.__file__).parent / "mnist" / "LICENSE").read_text()
    for words in (
        "CC BY-SA 3.0",
        "creativecommons.org/licenses/by-sa/3.0/legalcode",
        "LeCun",
        "Cortes",
        "Burges",
    ):
        assert words in text


def test_data_set_is_read_only(mnist: Dataset) -> None:
    """The fields of a data set and its arrays are read-only."""
    with pytest.raises(FrozenInstanceError):
        mnist.name = "other"  # type: ignore[misc]  # that it is refused is the point
    for array in (mnist.images, mnist.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_sealed_test_set_exposes_no_array(mnist: Dataset) -> None:
    """A sealed test set shows its size, file names and fingerprint and contains no array."""
    public_names = [name for name in dir(mnist.test) if not name.startswith("_")]
    assert public_names == ["files", "fingerprint", "n"]
    assert not any(isinstance(value, np.ndarray) for value in vars(mnist.test).values())
    assert repr(mnist.test) == "SealedTest(n=10000)"


def test_data_set_is_downloaded_and_unpacked_once(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first load makes one request, the second none and maps its images; both give the same upright images."""
    with serving(archive) as server:
        _publish(monkeypatch, archive, server.address)
        stages: list[str] = []
        first = load("tiny", report=lambda stage, *_: stages.append(stage))
        second = load("tiny")
        assert server.ranges == [None]
    np.testing.assert_array_equal(first.images[..., 0], IMAGES)
    assert first.labels.tolist() == [0, 1, 1, 0]
    assert (first.name, first.source, first.class_names) == ("tiny", "tiny", ("p", "q"))
    assert (first.licence, first.citation) == ("CC0", "A. Nobody: Nothing. 2026")
    assert first.fingerprint == second.fingerprint
    assert isinstance(second.images.base, np.ndarray)
    assert isinstance(_mapped(second.images), np.memmap)
    assert set(stages) == {"Downloading gzip.zip"}
    assert not [path for path in (tmp_path / "home").rglob("*") if path.suffix in {".tmp", ".part"}]


def _mapped(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def test_concurrent_loads_make_one_request(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads that load the same new data set make one request and get the same data."""
    with serving(archive) as server, ThreadPoolExecutor(4) as pool:
        _publish(monkeypatch, archive, server.address)
        fingerprints = {data.fingerprint for data in pool.map(load, ["tiny"] * 4)}
        assert server.ranges == [None]
    assert len(fingerprints) == 1


def test_data_folders_are_searched_in_order(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPTOTYPE_DATA precedes the system's folder, which precedes the cache, which precedes the network."""
    with serving(archive) as server:
        _publish(monkeypatch, archive, server.address)
        cached = _write(tmp_path / "home" / "named" / "tiny", pixel=103)
        assert load("tiny").images[0, 0, 0] == 103
        _write(tmp_path / "system" / "tiny", pixel=102)
        assert load("tiny").images[0, 0, 0] == 102
        _write(tmp_path / "mine" / "tiny", pixel=101)
        monkeypatch.setenv("OPTOTYPE_DATA", str(tmp_path / "mine"))
        assert load("tiny").images[0, 0, 0] == 101
        assert server.ranges == []
    assert cached.exists()


def test_incomplete_data_folder_is_skipped(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder without one of the four files is passed over, and one in the cache is completed."""
    with serving(archive) as server:
        _publish(monkeypatch, archive, server.address)
        for folder in ("system", "home/named"):
            (_write(tmp_path / folder / "tiny") / "t10k-labels-idx1-ubyte").unlink()
        np.testing.assert_array_equal(load("tiny").images[..., 0], IMAGES)


def test_local_archive_is_used_if_its_hash_is_right(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published file in OPTOTYPE_DATA/NAME is unpacked without a network; others are rejected by their hash."""
    monkeypatch.setenv("OPTOTYPE_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("OPTOTYPE_OFFLINE", "1")
    _publish(monkeypatch, archive, "https://example.org/gzip.zip")
    (tmp_path / "mine" / "tiny").mkdir(parents=True)
    path = tmp_path / "mine" / "tiny" / "gzip.zip"
    path.write_bytes(archive[:-1] + b"!")
    with pytest.raises(DataError, match=r"gzip\.zip is not the published file"):
        load("tiny")
    path.write_bytes(archive)
    np.testing.assert_array_equal(load("tiny").images[..., 0], IMAGES)
    assert [file.name for file in path.parent.iterdir()] == ["gzip.zip"]


def test_offline_mode_makes_no_request(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OPTOTYPE_OFFLINE the message says which file to put where, and the cache is used; 0 allows the network."""
    with serving(archive) as server:
        _publish(monkeypatch, archive, server.address)
        monkeypatch.setenv("OPTOTYPE_OFFLINE", "1")
        with pytest.raises(DataError, match=f"OPTOTYPE_DATA/tiny. Put the files from {server.address}"):
            load("tiny")
        assert server.ranges == []
        monkeypatch.setenv("OPTOTYPE_OFFLINE", "0")
        load("tiny")
        monkeypatch.setenv("OPTOTYPE_OFFLINE", "1")
        load("tiny")
        assert server.ranges == [None]


def test_missing_download_raises_data_error(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the server no longer has the file, a DataError names its address."""
    with serving(archive, status(404)) as server:
        _publish(monkeypatch, archive, server.address)
        with pytest.raises(DataError, match=f"{server.address} responds 404"):
            load("tiny")


def test_different_data_set_under_the_same_name_is_rejected(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with images of another shape or other classes is rejected under the data set's name."""
    _publish(monkeypatch, archive)
    _write(tmp_path / "system" / "tiny")
    tiny = CATALOGUE["tiny"]
    for changes, message in (
        ({"shape": (2, 3, 1)}, r"contains images of shape \(3, 2, 1\); expected \(2, 3, 1\)"),
        ({"class_names": ("p", "q", "r")}, "has 2 classes; expected 3"),
    ):
        monkeypatch.setitem(
            cast("dict[str, NamedSet]", CATALOGUE), "tiny", replace(tiny, **cast("Any", changes))
        )
        with pytest.raises(DataError, match=message):
            load_named("tiny")


def test_unwritable_cache_raises_data_error(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the cache is not writable or full, the message names it, and how to move it."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "named").write_text("a file")
    with serving(archive) as server:
        _publish(monkeypatch, archive, server.address)
        with pytest.raises(DataError, match=r"tiny cannot be unpacked into .*Set OPTOTYPE_HOME"):
            load("tiny")


def test_incomplete_installation_raises_data_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If a data set is missing from the package, the message asks for a new installation."""
    monkeypatch.setattr(named_load, "files", lambda _: tmp_path / "nothing")
    with pytest.raises(DataError, match="mnist is missing from the package"):
        load("mnist")
