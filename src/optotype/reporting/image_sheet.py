"""An image sheet: images side by side in labelled rows, as one PNG file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.engine.augmentation import Augment, augment_images
from optotype.randomness import permutation, purpose

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

MAX_ROWS: Final = 200
_COLUMNS: Final = 10
_MAX_AUGMENTED: Final = 12
# In pixels: the minimum side of an image, then heights and widths of the space around the images.
_MIN_SIDE: Final = 56
_GAP: Final = 4
_TITLE_HEIGHT: Final = 40
_LABEL_WIDTH: Final = 180
_LABEL_HEIGHT: Final = 34
_CAPTION_HEIGHT: Final = 14
_PAPER, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (110, 110, 110)
_MAX_BYTE: Final = 255.0
# Separates the hash that chooses images from the hash of every split.
_SHEET_KEY: Final = purpose("sheet")


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the sheet.

    Attributes:
        label: Label of the row.
        note: A second, fainter line; may be empty.
        images: uint8 of shape (n, height, width, channels), n at most 10.
        captions: One caption below each image; empty for none.
    """

    label: str
    note: str
    images: NDArray[np.uint8]
    captions: tuple[str, ...] = ()


def rows_of_classes(data: Dataset) -> list[Row]:
    """Return a row per class with up to ten training images, chosen by a hash of the class.

    The same data set always gives the same sheet.

    Args:
        data: The data set; only its first 200 classes are shown.
    """
    rows = []
    for label, name in enumerate(data.class_names[:MAX_ROWS]):
        members = np.flatnonzero(data.labels == label)
        chosen = np.sort(members[permutation(len(members), _SHEET_KEY, label)[:_COLUMNS]])
        rows.append(Row(name, f"{len(members):,} images", data.images[chosen]))
    return rows


def rows_of_changes(data: Dataset, train: NDArray[np.int64], augment: Augment, seed: int) -> list[Row]:
    """Return a row per image: the original, then its augmentations in epochs 1 to 9 of a training.

    Up to twelve images are chosen by the same hash.

    Args:
        data: The data set; only its first twelve classes are shown.
        train: Indices of the images that are trained on.
        augment: The augmentation.
        seed: Seed of the training.

    Raises:
        EngineError: If a shift or cutout is larger than the images.
    """
    captions = ("original", *map(str, range(1, _COLUMNS)))
    images_per_class = max(1, _MAX_AUGMENTED // len(data.class_names))
    rows = []
    for label, name in enumerate(data.class_names[:_MAX_AUGMENTED]):
        members = train[data.labels[train] == label]
        for index in members[permutation(len(members), _SHEET_KEY, label)[:images_per_class]]:
            epochs = [
                augment_images(data.images, augment, np.array([index]), key=(seed, epoch))
                for epoch in range(1, _COLUMNS)
            ]
            changed = np.rint(np.concatenate(epochs) * _MAX_BYTE).astype(np.uint8)
            note = data.files[index] if data.files else f"training image {index}"
            images = np.concatenate([data.images[index, np.newaxis], changed])
            rows.append(Row(name, note, images, captions))
    return rows


def draw_sheet(title: str, rows: Sequence[Row]) -> bytes:
    """Draw rows of images under a title.

    Args:
        title: Title of the sheet.
        rows: At least one row, all of images of one shape. Small images are enlarged by a whole factor, so that each
            pixel stays a square.

    Returns:
        A PNG file.
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - loaded only to draw

    height, width = rows[0].images.shape[1:3]
    factor = max(1, _MIN_SIDE // max(height, width))
    size = width * factor, height * factor
    column_width = size[0] + _GAP
    row_height = max(size[1], _LABEL_HEIGHT) + _GAP + _CAPTION_HEIGHT * any(row.captions for row in rows)
    sheet_size = _LABEL_WIDTH + column_width * _COLUMNS + _GAP, _TITLE_HEIGHT + row_height * len(rows)
    sheet = Image.new("RGB", sheet_size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(14), ImageFont.load_default(11)
    draw.text((8, 10), _truncate(draw, title, large, sheet.width - 16), _INK, large)
    for number, row in enumerate(rows):
        top = _TITLE_HEIGHT + number * row_height
        draw.text((8, top), _truncate(draw, row.label, large, _LABEL_WIDTH - 16), _INK, large)
        draw.text((8, top + 18), _truncate(draw, row.note, small, _LABEL_WIDTH - 16), _FAINT, small)
        for column, image in enumerate(row.images):
            left = _LABEL_WIDTH + column * column_width
            tile = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
            sheet.paste(tile.resize(size, Image.Resampling.NEAREST).convert("RGB"), (left, top))
            if row.captions:
                caption = _truncate(draw, row.captions[column], small, column_width)
                draw.text((left, top + size[1]), caption, _FAINT, small)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _truncate(draw: "ImageDraw", text: str, font: "FreeTypeFont | ImageFont", width: int) -> str:
    """Shorten a text to a width in pixels; line breaks and control characters become spaces."""
    line = "".join(character if character.isprintable() else " " for character in text)
    while line and draw.textlength(line, font) > width:
        line = f"{line[:-2].rstrip('…')}…" if len(line) > 2 else ""
    return line
