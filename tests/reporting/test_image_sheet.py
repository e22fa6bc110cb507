"""The image sheet."""

import io

import numpy as np
import pytest
from PIL import Image

from optotype.engine.augmentation import Augment, augment_images
from optotype.reporting.image_sheet import MAX_ROWS, Row, draw_sheet, rows_of_changes, rows_of_classes
from tests.checking.samples import textured


def test_each_class_has_a_row() -> None:
    """Each class has a row of at most ten of its training images, the same ones each time."""
    data = textured(40)
    rows = rows_of_classes(data)
    assert [row.label for row in rows] == list(data.class_names)
    for label, row in enumerate(rows):
        assert len(row.images) == 10
        of_class = {image.tobytes() for image in data.images[data.labels == label]}
        assert {image.tobytes() for image in row.images} <= of_class
    again = rows_of_classes(data)
    assert all(np.array_equal(row.images, same.images) for row, same in zip(rows, again, strict=True))


def test_augmentations_are_those_of_a_training() -> None:
    """Each row has the image as a training with that seed sees it in its first nine epochs, rounded to 8 bits."""
    data = textured(60)
    train = np.arange(30)
    augment = Augment(shift=3, rotation=20.0)
    rows = rows_of_changes(data, train, augment, seed=7)
    assert [row.label for row in rows] == [name for name in data.class_names for _ in range(4)]
    for row in rows:
        index = int(row.note.rpartition(" ")[2])
        assert index in train
        assert data.class_names[data.labels[index]] == row.label
        assert np.array_equal(row.images[0], data.images[index])
        for epoch in range(1, 10):
            seen = augment_images(data.images, augment, np.array([index]), key=(7, epoch))[0]
            assert np.abs(row.images[epoch] / 255 - seen).max() <= 0.5 / 255 + 1e-6


def test_up_to_twelve_images_are_augmented() -> None:
    """With many classes, one image of each of the first twelve is shown, with its file name."""
    labels, files = np.arange(40) % 20, tuple(f"{number}.png" for number in range(40))
    data = textured(40, class_names=tuple(map(str, range(20))), labels=labels, files=files)
    rows = rows_of_changes(data, np.arange(40), Augment(flip=True), seed=0)
    assert [row.label for row in rows] == list(map(str, range(12)))
    assert {row.note for row in rows} <= set(files)


@pytest.mark.parametrize("shape", [(1, 1, 1), (28, 28, 1), (32, 20, 3), (128, 128, 3)])
def test_images_are_unchanged_in_the_sheet(shape: tuple[int, int, int]) -> None:
    """Every image is in the sheet, enlarged by a whole factor, with its colours unchanged."""
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(draw_sheet("title", [Row("a", "", image[np.newaxis])]))))
    factor = max(1, 56 // max(shape[:2]))
    shown = sheet[40 : 40 + shape[0] * factor : factor, 180 : 180 + shape[1] * factor : factor]
    assert np.array_equal(shown, np.broadcast_to(image, (*shape[:2], 3)))


def test_any_name_is_drawn() -> None:
    """Names that are long, empty, in other scripts or of control characters give a valid sheet."""
    image = np.zeros((1, 8, 8, 1), np.uint8)
    for name in ("", "x" * 500, "\n\t\x1b[31m", "アルファベット", "\u202eabc", "👁"):
        content = draw_sheet(name, [Row(name, name, image, (name,))])
        assert Image.open(io.BytesIO(content)).format == "PNG"


def test_the_number_of_rows_is_limited() -> None:
    """The sheet ends after 200 classes."""
    names = tuple(map(str, range(MAX_ROWS + 5)))
    data = textured(2 * len(names), class_names=names, labels=np.arange(2 * len(names)) % len(names))
    assert len(rows_of_classes(data)) == MAX_ROWS
