"""Data sets of image files, with the cache."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from optotype.data.dataset import Dataset, Skipped, fingerprint
from optotype.data.pictures import worker_pool
from optotype.data.pictures.decode import read_picture
from optotype.data.sealed import open_test
from optotype.data.sources import picture_sets
from optotype.data.sources.picture_sets import load_pictures
from optotype.errors import DataError
from tests.data.picture_files import names, picture, write
from tests.data.sources.test_archives import write_tar, write_zip

SPLIT = [*names(4, below="train/"), *names(1, below="val/"), *names(2, below="test/")]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the number of image files of each decoding."""
    counts: list[int] = []
    decode = worker_pool.decode_files

    def counting_decode(parts: Any, *rest: Any) -> Any:
        counts.append(sum(len(part.locations) for part in parts))
        return decode(parts, *rest)

    monkeypatch.setattr(picture_sets, "decode_files", counting_decode)
    return counts


def _check(data: Dataset, root: Path) -> None:
    """Compare a data set with its image files."""
    assert data.files is not None
    for image, label, file in zip(data.images, data.labels, data.files, strict=True):
        np.testing.assert_array_equal(image, read_picture(root / file, data.shape))
        assert data.class_names[label] in file.split("/")
    assert data.fingerprint == fingerprint(data.images, data.labels, data.class_names)


def test_folder_becomes_a_data_set(tmp_path: Path) -> None:
    """Images have the files' pixels, labels follow from folders, and everything is read-only and named."""
    data = load_pictures(write(tmp_path / "pets", SPLIT))
    _check(data, tmp_path / "pets")
    assert (data.name, data.source, data.shape) == ("pets", str(tmp_path / "pets"), (10, 12, 3))
    assert data.files is not None
    assert data.validation is not None
    assert [data.files[row] for row in data.validation] == names(1, below="val/")
    assert len(data.images) == 10
    assert data.skipped == ()
    assert not data.images.flags.writeable
    assert not data.labels.flags.writeable
    assert not data.validation.flags.writeable


def test_size_of_every_training_image_is_recorded(tmp_path: Path, decoded: list[int]) -> None:
    """Height and width, upright, belong to the right image, also if other files were left out."""
    folder = write(tmp_path / "pets", SPLIT, size=(9, 8))
    for number, file in enumerate(SPLIT):
        (folder / file).write_bytes(picture(number, (10 + number, 90)))
    rotated = Image.new("RGB", (30, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: rotated by 90 degrees.
    rotated.save(folder / "train/cat/3.png", exif=exif)
    _break(folder, ["train/cat/1.png"])
    for _ in range(2):
        data = load_pictures(folder, on_bad="skip")
        assert data.sizes is not None
        assert data.sizes.dtype == np.int32
        assert not data.sizes.flags.writeable
        sizes = dict(zip(data.files or (), data.sizes.tolist(), strict=True))
        upright = {file: [90, 10 + number] for number, file in enumerate(SPLIT[:10])}
        del upright["train/cat/1.png"]
        assert sizes == upright | {"train/cat/3.png": [30, 20]}
    assert decoded == [14]


def test_test_split_is_separate_and_sealed(tmp_path: Path) -> None:
    """Test images are not among the images; opened, they have the files' pixels, and are mapped only then."""
    data = load_pictures(write(tmp_path / "pets", SPLIT))
    assert data.test.n == 4
    assert list(data.test.files or ()) == names(2, below="test/")
    opened = open_test(data, tmp_path)
    assert opened.fingerprint == fingerprint(opened.images, opened.labels)
    assert opened.labels.tolist() == [0, 0, 1, 1]
    for image, file in zip(opened.images, data.test.files or (), strict=True):
        np.testing.assert_array_equal(image, read_picture(tmp_path / "pets" / file, data.shape))


def test_source_without_test_split_seals_a_fifth(tmp_path: Path) -> None:
    """One fifth of every class is set aside, always the same; without val/, the recipe chooses validation."""
    folder = write(tmp_path / "pets", names(10))
    data = load_pictures(folder)
    assert np.bincount(data.labels).tolist() == [8, 8]
    assert data.test.n == 4
    assert data.validation is None
    assert set(data.files or ()) | set(data.test.files or ()) == set(names(10))
    shutil.rmtree(os.environ["OPTOTYPE_HOME"])
    assert load_pictures(folder).test.files == data.test.files


def test_second_load_decodes_nothing(tmp_path: Path, decoded: list[int]) -> None:
    """Decoded pixels and fingerprints are reused until a file changes or another size is requested."""
    folder = write(tmp_path / "pets", SPLIT)
    first = load_pictures(folder)
    second = load_pictures(str(folder))
    assert decoded == [14]
    np.testing.assert_array_equal(first.images, second.images)
    assert (second.fingerprint, second.test.fingerprint) == (first.fingerprint, first.test.fingerprint)
    assert load_pictures(folder, 8).shape == (8, 8, 3)
    assert load_pictures(folder).shape == (10, 12, 3)
    assert decoded == [14, 14]
    (folder / "train/cat/0.png").write_bytes(picture(99))
    _check(load_pictures(folder), folder)
    assert decoded == [14, 14, 14]


def test_replaced_cache_entry_stays_readable_while_mapped(tmp_path: Path, home: Path) -> None:
    """One entry per source is kept; images that are mapped from an older one stay valid."""
    folder = write(tmp_path / "pets", SPLIT)
    old = load_pictures(folder)
    before = old.images.copy()
    (folder / "train/cat/0.png").write_bytes(picture(99))
    load_pictures(folder)
    (cache,) = (home / "pictures").iterdir()
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1
    np.testing.assert_array_equal(old.images, before)
    with pytest.raises(DataError, match="Load the data set again"):
        open_test(old, tmp_path)


def _change_content_only(folder: Path) -> None:
    """Change an image file's content, but not its size and time."""
    path = folder / "train/cat/0.bmp"
    status = path.stat()
    path.write_bytes(picture(99, form="BMP"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_rehash_detects_changed_contents(tmp_path: Path, decoded: list[int]) -> None:
    """With rehash, changed contents and damaged pixels are detected, and unchanged ones are not decoded again."""
    folder = write(tmp_path / "pets", SPLIT)
    (folder / "train/cat/0.bmp").write_bytes(picture(50, form="BMP"))
    first = load_pictures(folder)
    assert load_pictures(folder, rehash=True).fingerprint == first.fingerprint
    load_pictures(folder, rehash=True)
    n_decoded = len(decoded)
    load_pictures(folder, rehash=True)
    assert len(decoded) == n_decoded
    _change_content_only(folder)
    assert load_pictures(folder).fingerprint == first.fingerprint
    changed = load_pictures(folder, rehash=True)
    assert changed.fingerprint != first.fingerprint
    _check(changed, folder)


def _truncate_pixels(generation: Path) -> None:
    os.truncate(generation / "train", 100)


def _remove_pixels(generation: Path) -> None:
    (generation / "test").unlink()


def _truncate_index(generation: Path) -> None:
    os.truncate(generation / "index.json", 100)


def _change_index(generation: Path) -> None:
    path = generation / "index.json"
    path.write_bytes(path.read_bytes().replace(b'"validation": 2', b'"validation": 3'))


def _overwrite_index(generation: Path) -> None:
    (generation / "index.json").write_bytes(b"\xff{}[[")


@pytest.mark.parametrize(
    "damage", [_truncate_pixels, _remove_pixels, _truncate_index, _change_index, _overwrite_index]
)
def test_damaged_cache_is_rebuilt(
    tmp_path: Path, home: Path, decoded: list[int], damage: Callable[[Path], None]
) -> None:
    """Pixels or an index that are cut, changed or missing are decoded again."""
    folder = write(tmp_path / "pets", SPLIT)
    first = load_pictures(folder)
    (generation,) = (path for path in home.glob("pictures/*/*") if path.is_dir())
    damage(generation)
    reloaded = load_pictures(folder)
    assert len(decoded) == 2
    assert reloaded.fingerprint == first.fingerprint
    _check(reloaded, folder)


def test_interrupted_decoding_leaves_no_files(tmp_path: Path, home: Path, decoded: list[int]) -> None:
    """After Ctrl-C or a kill, the next load decodes everything, and temporary files are deleted."""
    folder = write(tmp_path / "pets", SPLIT)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_pictures(folder, progress=interrupt)
    (cache,) = (home / "pictures").iterdir()
    assert [path.name for path in cache.iterdir()] == ["lock"]
    (cache / "killed.tmp").mkdir()
    (cache / "killed.tmp" / "train").write_bytes(b"x" * 100)
    _check(load_pictures(folder), folder)
    assert not (cache / "killed.tmp").exists()
    assert len(decoded) == 2


def test_concurrent_processes_decode_once(tmp_path: Path, home: Path) -> None:
    """If several processes load the same images, one decodes and the others wait for its result."""
    folder = write(tmp_path / "pets", SPLIT)
    program = (
        "import sys; from optotype.data.sources import picture_sets as p; real = p.decode_files\n"
        "def decode(*a): print('decoded'); return real(*a)\n"
        "p.decode_files = decode; print(p.load_pictures(sys.argv[1]).fingerprint)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=100)[0].split() for process in processes]
    assert sorted(map(len, outputs)) == [1, 1, 2]
    assert len({output[-1] for output in outputs}) == 1
    assert list(home.glob("pictures/*/*.tmp")) == []


def _break(folder: Path, files: list[str]) -> None:
    for file in files:
        (folder / file).write_bytes(b"no picture")


def test_unusable_files_raise_an_error_that_lists_them(tmp_path: Path, decoded: list[int]) -> None:
    """By default the first twenty unusable files are listed and all are counted; a second load decodes nothing."""
    folder = write(tmp_path / "pets", names(30))
    _break(folder, names(30)[1:24])
    for _ in range(2):
        with pytest.raises(DataError) as excinfo:
            load_pictures(folder)
        first, *lines, last = str(excinfo.value).split("\n")
        assert first == f"23 files of {folder} are unusable; expected only intact image files:"
        assert len(lines) == 21
        assert all(
            line.endswith("cannot be decoded as an image: its format is not recognised")
            for line in lines[:20]
        )
        assert lines[20] == "  and 3 more"
        assert "--on-bad skip" in last
    assert decoded == [60]


def test_unusable_files_can_be_skipped(tmp_path: Path) -> None:
    """Skipped files are listed in the data set, and every other image keeps its label."""
    folder = write(tmp_path / "pets", SPLIT)
    (folder / "train/cat/link.png").symlink_to("/etc/passwd")
    (folder / "train/dog/photo.heic").write_bytes(picture()[:50])
    _break(folder, ["train/cat/1.png", "val/dog/0.png", "test/dog/1.png"])
    data = load_pictures(folder, on_bad="skip")
    assert {skipped.file for skipped in data.skipped} == {
        "train/cat/link.png",
        "train/dog/photo.heic",
        "train/cat/1.png",
        "val/dog/0.png",
        "test/dog/1.png",
    }
    assert Skipped("train/cat/link.png", "is a link out of the folder") in data.skipped
    _check(data, folder)
    assert (len(data.images), data.test.n) == (8, 3)
    assert data.validation is not None
    assert data.validation.tolist() == [7]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (names(4, ("dog",), "train/"), "No training image of 'dog' in .* is usable"),
        (names(2, below="test/"), "No test image in .* is usable"),
        (SPLIT, "14 files of .* are unusable"),
    ],
)
def test_too_few_usable_images_are_rejected(tmp_path: Path, broken: list[str], message: str) -> None:
    """Skipping must leave every class a training image, and the test set an image."""
    folder = write(tmp_path / "pets", SPLIT)
    _break(folder, broken)
    with pytest.raises(DataError, match=message):
        load_pictures(folder, on_bad="skip")


def test_new_version_decodes_again(
    tmp_path: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels decoded by another version of optotype or Pillow, or by older rules, are not used."""
    folder = write(tmp_path / "pets", SPLIT)
    load_pictures(folder)
    for package in ("optotype", "pillow"):
        with monkeypatch.context() as patch:
            patch.setattr(
                picture_sets, "version", lambda name, odd=package: "0" if name == odd else version(name)
            )
            load_pictures(folder)
    monkeypatch.setattr(picture_sets, "_DECODING", -1)
    load_pictures(folder)
    assert decoded == [14] * 4


def test_file_names_that_are_not_utf_8_are_escaped(tmp_path: Path) -> None:
    """A file name that is not UTF-8 is handled like any other, with its bytes escaped."""
    folder = write(tmp_path / "pets", SPLIT)
    for subfolder in ("train/cat", "train/dog"):
        (folder / subfolder / b"\xff.png".decode(errors="surrogateescape")).write_bytes(picture())
    _break(folder, [b"train/dog/\xff.png".decode(errors="surrogateescape")])
    data = load_pictures(folder, on_bad="skip")
    assert "train/cat/\\xff.png" in (data.files or ())
    assert [skipped.file for skipped in data.skipped] == ["train/dog/\\xff.png"]


def test_escape_sequences_in_file_names_are_escaped(tmp_path: Path) -> None:
    """Escape sequences in file names reach neither messages nor data sets."""
    folder = write(tmp_path / "pets", [*SPLIT, "train/cat/\x1b[2J\n.png", "train/dog/\u202e.png"])
    _break(folder, ["train/dog/\u202e.png"])
    with pytest.raises(DataError, match=r"train/dog/\\u202e\.png"):
        load_pictures(folder)
    data = load_pictures(folder, on_bad="skip")
    assert "train/cat/\\x1b[2J\\n.png" in (data.files or ())
    assert [skipped.file for skipped in data.skipped] == ["train/dog/\\u202e.png"]


def test_image_in_two_classes_is_loaded(tmp_path: Path) -> None:
    """The same image under two labels is loaded."""
    folder = write(tmp_path / "pets", SPLIT)
    shutil.copy(folder / "train/cat/0.png", folder / "train/dog/same.png")
    assert len(load_pictures(folder).images) == 11


def test_archives_give_the_same_data(tmp_path: Path) -> None:
    """A folder, a zip and a tar of the same images have the same fingerprints."""
    folder = write(tmp_path / "pets", SPLIT)
    members = [(name, (folder / name).read_bytes()) for name in SPLIT]
    sources = [
        folder,
        write_zip(tmp_path / "pets.zip", members),
        write_tar(tmp_path / "pets.tar.xz", members),
    ]
    loaded = [load_pictures(source) for source in sources]
    assert {(data.name, data.fingerprint, data.test.fingerprint) for data in loaded} == {
        ("pets", loaded[0].fingerprint, loaded[0].test.fingerprint)
    }


def test_archive_is_unpacked_once(tmp_path: Path, home: Path, decoded: list[int]) -> None:
    """Only pixels and names of an archive are kept; rehash recognises its content."""
    path = write_zip(tmp_path / "pets.zip", [(name, picture(seed)) for seed, name in enumerate(SPLIT)])
    load_pictures(path)
    load_pictures(path)
    load_pictures(path, rehash=True)
    assert decoded == [14]
    files = {file.name for file in home.rglob("*") if file.is_file()}
    assert files == {"train", "test", "index.json", "lock"}


def test_manifests_and_tables_are_loaded(tmp_path: Path) -> None:
    """A CSV manifest and a folder of Parquet tables are data sets too."""
    folder = write(tmp_path / "pets", names(5))
    (folder / "pets.csv").write_text("path,label\n" + "".join(f"{name},{name[:3]}\n" for name in names(5)))
    data = load_pictures(folder / "pets.csv")
    assert data.name == "pets"
    _check(data, folder)
    (tmp_path / "hub" / "data").mkdir(parents=True)
    table = pa.table({"image": [{"bytes": picture(seed)} for seed in range(4)], "label": [0, 1, 0, 1]})
    for split in ("train", "test"):
        parquet.write_table(table, tmp_path / "hub" / "data" / f"{split}-00000-of-00001.parquet")
    data = load_pictures(tmp_path / "hub")
    assert (len(data.images), data.test.n, data.class_names) == (4, 4, ("0", "1"))


@pytest.mark.parametrize("name", ["gone", "notes.txt", "\0"])
def test_invalid_source_is_rejected(tmp_path: Path, name: str) -> None:
    """A file of another type or a missing file is rejected with the accepted types."""
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(
        DataError, match=r"is not a set of images; expected a folder, or a file|cannot be read"
    ):
        load_pictures(tmp_path / name)
