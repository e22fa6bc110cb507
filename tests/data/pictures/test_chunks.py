"""Decoding in chunks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from optotype.data.pictures import chunks
from optotype.data.pictures.chunks import MAX_IN_PROCESS, in_chunks
from optotype.data.pictures.decode import Fit, read_picture
from optotype.data.pictures.digits import fit_digit
from optotype.data.pictures.location import FileLocation
from tests.data.picture_files import picture


def _write_images(folder: Path, n: int) -> list[FileLocation]:
    """Write colour and grey images, every seventh of them damaged."""
    locations = []
    for number in range(n):
        path = folder / f"{number}.png"
        path.write_bytes(b"spoilt" if number % 7 == 3 else picture(number))
        locations.append(FileLocation(path.name, str(path)))
    return locations


@pytest.mark.parametrize("n", [MAX_IN_PROCESS, MAX_IN_PROCESS + 30])
@pytest.mark.parametrize("shape", [(9, 5, 1), (9, 5, 3)])
def test_chunks_contain_the_images_in_order(
    tmp_path: Path, n: int, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For any number and chunk size, images have the pixels of a single read; damaged ones are listed."""
    monkeypatch.setattr(chunks, "_MAX_IMAGES", 40)
    locations = _write_images(tmp_path, n)
    results = list(in_chunks(locations, shape))
    assert [result.done for result in results] == ([n] if n == MAX_IN_PROCESS else [40, 80, n])
    files = [file for result in results for file in result.files]
    assert files == [result.file for number, result in enumerate(locations) if number % 7 != 3]
    bad = [result for chunk in results for result in chunk.skipped]
    assert [result.file for result in bad] == [locations[number].file for number in range(3, n, 7)]
    assert {result.reason for result in bad} == {
        "cannot be decoded as an image: its format is not recognised"
    }
    images = np.concatenate([result.images for result in results])
    for image, file in zip(images, files, strict=True):
        np.testing.assert_array_equal(image, read_picture(tmp_path / file, shape))


@pytest.mark.parametrize("fit", ["stretch", "digit"])
def test_workers_return_the_same_pixels(tmp_path: Path, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both fits give the same pixels in workers as in this process; a digit's equal those of `fit_digit`."""
    locations = _write_images(tmp_path, 12)
    bar = np.full((40, 60), 220, np.uint8)
    bar[10:35, 20:28] = 30
    Image.fromarray(bar).save(locations[0].path)
    (in_process,) = in_chunks(locations, (28, 28, 1), fit)
    monkeypatch.setattr(chunks, "MAX_IN_PROCESS", 0)
    (in_workers,) = in_chunks(locations, (28, 28, 1), fit)
    np.testing.assert_array_equal(in_process.images, in_workers.images)
    assert (in_process.files, in_process.skipped) == (in_workers.files, in_workers.skipped)
    if fit == "digit":
        np.testing.assert_array_equal(in_process.images[0, ..., 0], fit_digit(locations[0].path))


def test_empty_list_yields_no_chunk() -> None:
    """Without image files there is no chunk, and no process is started."""
    assert not list(in_chunks([], (4, 4, 1)))
