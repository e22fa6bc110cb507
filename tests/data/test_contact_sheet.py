"""The contact sheet."""

import io

import numpy as np
import pytest
from PIL import Image

from optotype.data.contact_sheet import MOST_ROWS, Row, draw_sheet, rows_of_classes
from tests.checking.samples import textured


def test_a_row_for_each_class() -> None:
    """Each class has a row of at most ten of its own training images, the same ones each time."""
    data = textured(40)
    rows = rows_of_classes(data)
    assert [row.label for row in rows] == list(data.class_names)
    for label, row in enumerate(rows):
        assert len(row.images) == 10
        of_class = {image.tobytes() for image in data.images[data.labels == label]}
        assert {image.tobytes() for image in row.images} <= of_class
    assert all(
        np.array_equal(one.images, other.images)
        for one, other in zip(rows, rows_of_classes(data), strict=True)
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (28, 28, 1), (32, 20, 3), (128, 128, 3)])
def test_pictures_are_shown_pixel_by_pixel(shape: tuple[int, int, int]) -> None:
    """Every picture is in the sheet, enlarged by a whole factor, its colours untouched."""
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(draw_sheet("title", [Row("a", "", image[np.newaxis])]))))
    factor = max(1, 56 // max(shape[:2]))
    shown = sheet[40 : 40 + shape[0] * factor : factor, 180 : 180 + shape[1] * factor : factor]
    assert np.array_equal(shown, np.broadcast_to(image, (*shape[:2], 3)))


def test_any_name_can_be_written() -> None:
    """Names that are long, empty, in other scripts or of control characters make a sheet all the same."""
    picture = np.zeros((1, 8, 8, 1), np.uint8)
    for name in ("", "x" * 500, "\n\t\x1b[31m", "アルファベット", "\u202eabc", "👁"):
        content = draw_sheet(name, [Row(name, name, picture, (name,))])
        assert Image.open(io.BytesIO(content)).format == "PNG"


def test_very_many_classes_are_cut_off() -> None:
    """The sheet does not grow without bound: it ends after 200 classes."""
    names = tuple(map(str, range(MOST_ROWS + 5)))
    data = textured(2 * len(names), class_names=names, labels=np.arange(2 * len(names)) % len(names))
    assert len(rows_of_classes(data)) == MOST_ROWS
