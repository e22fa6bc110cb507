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


def _written(folder: Path, n: int) -> list[FileLocation]:
    """Write colour and grey images, every seventh of them damaged."""
    found = []
    for number in range(n):
        path = folder / f"{number}.png"
        path.write_bytes(b"spoilt" if number % 7 == 3 else picture(number))
        found.append(FileLocation(path.name, str(path)))
    return found


@pytest.mark.parametrize("n", [MAX_IN_PROCESS, MAX_IN_PROCESS + 30])
@pytest.mark.parametrize("shape", [(9, 5, 1), (9, 5, 3)])
def test_chunks_are_the_pictures_in_order(
    tmp_path: Path, n: int, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For any number and chunk size, images have the pixels of a single read; damaged ones are listed."""
    monkeypatch.setattr(chunks, "_MAX_IMAGES", 40)
    pictures = _written(tmp_path, n)
    seen = list(in_chunks(pictures, shape))
    assert [each.done for each in seen] == ([n] if n == MAX_IN_PROCESS else [40, 80, n])
    files = [file for each in seen for file in each.files]
    assert files == [each.file for number, each in enumerate(pictures) if number % 7 != 3]
    bad = [each for chunk in seen for each in chunk.skipped]
    assert [each.file for each in bad] == [pictures[number].file for number in range(3, n, 7)]
    assert {each.reason for each in bad} == {"cannot be decoded as an image: its format is not recognised"}
    images = np.concatenate([each.images for each in seen])
    for image, file in zip(images, files, strict=True):
        np.testing.assert_array_equal(image, read_picture(tmp_path / file, shape))


@pytest.mark.parametrize("fit", ["stretch", "digit"])
def test_workers_return_the_same_pixels(tmp_path: Path, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both fits give the same pixels in workers as in this process; a digit's equal those of `fit_digit`."""
    pictures = _written(tmp_path, 12)
    bar = np.full((40, 60), 220, np.uint8)
    bar[10:35, 20:28] = 30
    Image.fromarray(bar).save(pictures[0].path)
    (here,) = in_chunks(pictures, (28, 28, 1), fit)
    monkeypatch.setattr(chunks, "MAX_IN_PROCESS", 0)
    (there,) = in_chunks(pictures, (28, 28, 1), fit)
    np.testing.assert_array_equal(here.images, there.images)
    assert (here.files, here.skipped) == (there.files, there.skipped)
    if fit == "digit":
        np.testing.assert_array_equal(here.images[0, ..., 0], fit_digit(pictures[0].path))


def test_nothing_gives_no_chunk() -> None:
    """Without image files there is no chunk, and no process is started."""
    assert not list(in_chunks([], (4, 4, 1)))
