"""Decoding in worker processes."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.data.pictures import worker_pool
from optotype.data.pictures.decode import read_picture
from optotype.data.pictures.image_file import FORMATS
from optotype.data.pictures.location import FileLocation
from optotype.data.pictures.worker_pool import DecodeResult, PixelFile, decode_files
from optotype.errors import DataError
from tests.data.picture_files import picture


def _write_pixel_file(folder: Path, contents: list[bytes], target: str = "train") -> PixelFile:
    locations = []
    for number, content in enumerate(contents):
        path = folder / f"{target}-{number}.png"
        path.write_bytes(content)
        locations.append(FileLocation(path.name, str(path)))
    return PixelFile(folder / target, locations)


def _read_pixels(part: PixelFile, decoded: DecodeResult) -> NDArray[np.uint8]:
    assert decoded.shape is not None
    return np.fromfile(part.target, np.uint8).reshape(len(part.locations), *decoded.shape)


@pytest.mark.parametrize("size", [None, 16])
def test_training_pixels_equal_prediction_pixels(tmp_path: Path, size: int | None) -> None:
    """For every format, pixels decoded for training equal those decoded for prediction, bit for bit."""
    part = _write_pixel_file(tmp_path, [picture(seed, form=form) for form in FORMATS for seed in range(3)])
    decoded = decode_files([part], size)
    assert decoded.shape is not None
    assert decoded.shape[:2] == ((10, 12) if size is None else (16, 16))
    assert set(decoded.faults[0]) == {None}
    for image, location in zip(_read_pixels(part, decoded), part.locations, strict=True):
        np.testing.assert_array_equal(image, read_picture(location.path, decoded.shape))


def test_images_inside_a_larger_file_are_read(tmp_path: Path) -> None:
    """An image file inside a larger file is read from its offset, up to its size."""
    contents = [picture(seed) for seed in range(3)]
    (tmp_path / "members").write_bytes(b"".join(contents))
    offsets = np.cumsum([0, *map(len, contents)])
    locations = [
        FileLocation(f"{number}", f"{tmp_path}/members", int(offset), len(content))
        for number, (offset, content) in enumerate(zip(offsets, contents, strict=False))
    ]
    packed, separate = PixelFile(tmp_path / "packed", locations), _write_pixel_file(tmp_path, contents)
    decoded = decode_files([packed, separate])
    np.testing.assert_array_equal(_read_pixels(packed, decoded), _read_pixels(separate, decoded))


@pytest.mark.parametrize(
    ("pictures", "shape"),
    [
        ([picture(size=(20, 30))] * 2, (30, 20, 3)),
        ([picture(size=(64, 64), mode="L")], (64, 64, 1)),
        ([picture(size=(65, 64), mode="L")], (64, 64, 1)),
        ([picture(mode="L"), picture(mode="L"), picture()], (10, 12, 3)),
        ([picture(mode="L"), picture(size=(9, 9), mode="L")], (64, 64, 1)),
        ([picture(mode="L"), picture(size=(9, 9), mode="1"), picture(mode="RGBA")], (64, 64, 3)),
        ([picture(mode="LA"), picture(mode="1"), picture(mode="I;16")], (10, 12, 1)),
        ([picture(mode="P")], (10, 12, 3)),
    ],
)
def test_common_shape_fits_all_images(
    tmp_path: Path, pictures: list[bytes], shape: tuple[int, int, int]
) -> None:
    """Images keep a common small size, else become 64 x 64; grey if all are; test images count too."""
    parts = [_write_pixel_file(tmp_path, pictures[:1]), _write_pixel_file(tmp_path, pictures[1:], "test")]
    decoded = decode_files(parts)
    assert decoded.shape == shape
    for part in parts:
        assert part.target.stat().st_size == len(part.locations) * np.prod(shape)
    assert decode_files(parts[::-1]).shape == shape


def test_size_can_be_set(tmp_path: Path) -> None:
    """With a given size, only the channels depend on the images."""
    part = _write_pixel_file(tmp_path, [picture(mode="L"), picture(size=(99, 9), mode="1")])
    assert decode_files([part], 8).shape == (8, 8, 1)
    assert decode_files([part, _write_pixel_file(tmp_path, [picture()], "test")], 8).shape == (8, 8, 3)


def test_faults_are_reported_and_do_not_affect_the_shape(tmp_path: Path) -> None:
    """An unusable file has a reason, does not stop the others and does not affect their shape."""
    images = [picture(seed, mode="L") for seed in range(200)]
    part = _write_pixel_file(tmp_path, [b"no picture", *images, picture(size=(99, 99))[:-40]])
    part = PixelFile(part.target, [*part.locations, FileLocation("gone.png", f"{tmp_path}/gone.png")])
    decoded = decode_files([part])
    assert decoded.shape == (10, 12, 1)
    (faults,) = decoded.faults
    assert faults[0] == "cannot be decoded as an image: its format is not recognised"
    assert faults[201] is not None
    assert faults[202] == "is not a file; expected an image file"
    assert set(faults[1:201]) == {None}
    assert decoded.sizes == (((0, 0), *[(10, 12)] * 200, (0, 0), (0, 0)),)
    np.testing.assert_array_equal(
        _read_pixels(part, decoded)[200], read_picture(part.locations[200].path, (10, 12, 1))
    )


def test_only_unusable_files_give_no_shape(tmp_path: Path) -> None:
    """If all files are unusable, there are only faults."""
    assert decode_files([_write_pixel_file(tmp_path, [b"", b"x"])]).shape is None


_FAULTY_WORKER = """
import os, sys, time
sys.path.insert(0, {tests!r})
from optotype.data.pictures import worker
real = worker.open_picture
def open_picture(content):
    if content == b"crash":
        os.abort()
    if content == b"hang":
        time.sleep(1000)
    if content == b"babble":
        print("{{}}x", flush=True)
    return real(content)
worker.open_picture = open_picture
worker.main()
"""


@pytest.fixture
def faulty_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the worker by one whose decoder crashes, hangs or writes invalid output for certain files."""
    monkeypatch.setattr(worker_pool, "_COMMAND", ("-P", "-c", _FAULTY_WORKER.format(tests=str(Path.cwd()))))
    monkeypatch.setattr(worker_pool, "_JOB_SECONDS", 1.0)


@pytest.mark.usefixtures("faulty_worker")
def test_crashed_or_hanging_worker_loses_one_image(tmp_path: Path) -> None:
    """A decoder that aborts, never ends or writes nonsense makes its files unusable; the others are decoded."""
    contents = [picture(seed) for seed in range(40)]
    contents[7], contents[20], contents[30] = b"crash", b"hang", b"babble"
    part = _write_pixel_file(tmp_path, contents)
    decoded = decode_files([part])
    assert [row for row, fault in enumerate(decoded.faults[0]) if fault] == [7, 20, 30]
    assert decoded.faults[0][7] == "makes its decoder crash or take too long"
    np.testing.assert_array_equal(
        _read_pixels(part, decoded)[39], read_picture(part.locations[39].path, (10, 12, 3))
    )


def test_worker_that_cannot_start_raises_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the program cannot be started, one error is raised, and no file counts as unusable."""
    monkeypatch.setattr(worker_pool, "_COMMAND", ("-c", "raise SystemExit(3)"))
    with pytest.raises(DataError, match="No worker process for decoding can be started"):
        decode_files([_write_pixel_file(tmp_path, [picture()])])


def test_unwritable_folder_is_an_error_of_the_cache(tmp_path: Path) -> None:
    """A missing folder is an error of the cache, not of the image files."""
    part = _write_pixel_file(tmp_path, [picture()])
    with pytest.raises(DataError, match=r"cannot be written to .*nowhere/train"):
        decode_files([PixelFile(tmp_path / "nowhere" / "train", part.locations)])


def test_progress_counts_every_image(tmp_path: Path) -> None:
    """Progress increases to the number of all image files."""
    reports: list[tuple[int, int]] = []
    decode_files(
        [_write_pixel_file(tmp_path, [picture(seed) for seed in range(100)])],
        progress=lambda *report: reports.append(report),
    )
    assert reports[-1] == (100, 100)
    assert all(total == 100 for _, total in reports)


def test_interrupt_stops_the_workers(tmp_path: Path) -> None:
    """Ctrl-C takes effect at once, and no process or thread remains."""

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        decode_files(
            [_write_pixel_file(tmp_path, [picture(seed) for seed in range(300)])], progress=interrupt
        )
    for thread in set(threading.enumerate()) - before:
        thread.join(worker_pool._JOB_SECONDS)
    assert time.monotonic() - started < worker_pool._JOB_SECONDS
