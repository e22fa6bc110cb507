"""A contact sheet: images side by side in labelled rows, as one PNG picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.engine.augmentation import Augment, augment_images
from optotype.engine.randomness import permutation

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

MOST_ROWS: Final = 200
_ACROSS: Final = 10
_CHANGED: Final = 12  # images that are shown augmented
# In pixels: the least side of an image, then heights and widths of what stands around the images.
_CELL: Final = 56
_GAP: Final = 4
_TITLE: Final = 40
_LABEL: Final = 180
_LINES: Final = 34
_CAPTION: Final = 14
_PAPER, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (110, 110, 110)
_BYTE: Final = 255.0
# Sets the hash of the choice apart from that of every split: the word "sheet" in ASCII.
_SHEET: Final = 0x7368656574


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the sheet.

    Attributes:
        label: What it shows.
        note: A second, fainter line; may be empty.
        images: uint8 of shape (n, height, width, channels), n at most 10.
        captions: What stands below each image; empty for nothing.
    """

    label: str
    note: str
    images: NDArray[np.uint8]
    captions: tuple[str, ...] = ()


def rows_of_classes(data: Dataset) -> list[Row]:
    """Choose up to ten training images of each class, by a hash: the same data set gives the same sheet.

    Args:
        data: The data set; beyond 200 classes the rest is left out.
    """
    rows = []
    for label, name in enumerate(data.class_names[:MOST_ROWS]):
        members = np.flatnonzero(data.labels == label)
        chosen = np.sort(members[permutation(len(members), _SHEET, label)[:_ACROSS]])
        rows.append(Row(name, f"{len(members):,} images", data.images[chosen]))
    return rows


def rows_of_changes(data: Dataset, train: NDArray[np.int64], augment: Augment, seed: int) -> list[Row]:
    """Choose up to twelve images by the same hash, and show each as it is and as training sees it in epochs 1 to 9.

    Args:
        data: The data set; beyond twelve classes the rest is left out.
        train: Indices of the images that train.
        augment: How they are changed.
        seed: Of the training.

    Raises:
        EngineError: The change is larger than the images.
    """
    captions = ("as is", *map(str, range(1, _ACROSS)))
    each = max(1, _CHANGED // len(data.class_names))
    rows = []
    for label, name in enumerate(data.class_names[:_CHANGED]):
        members = train[data.labels[train] == label]
        for index in members[permutation(len(members), _SHEET, label)[:each]]:
            seen = [
                augment_images(data.images, augment, np.array([index]), key=(seed, epoch))
                for epoch in range(1, _ACROSS)
            ]
            changed = np.rint(np.concatenate(seen) * _BYTE).astype(np.uint8)
            note = data.files[index] if data.files else f"training image {index}"
            rows.append(Row(name, note, np.concatenate([data.images[index, np.newaxis], changed]), captions))
    return rows


def draw_sheet(title: str, rows: Sequence[Row]) -> bytes:
    """Draw rows of images under a title.

    Args:
        title: What is shown.
        rows: The rows, at least one, all of images of one shape. Images are enlarged by a whole factor where they are
            small, so that each pixel stays a square.

    Returns:
        A PNG picture.
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - loaded only to draw

    height, width = rows[0].images.shape[1:3]
    factor = max(1, _CELL // max(height, width))
    size = width * factor, height * factor
    across = size[0] + _GAP
    down = max(size[1], _LINES) + _GAP + _CAPTION * any(row.captions for row in rows)
    sheet = Image.new("RGB", (_LABEL + across * _ACROSS + _GAP, _TITLE + down * len(rows)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(14), ImageFont.load_default(11)
    draw.text((8, 10), _fitting(draw, title, large, sheet.width - 16), _INK, large)
    for place, row in enumerate(rows):
        top = _TITLE + place * down
        draw.text((8, top), _fitting(draw, row.label, large, _LABEL - 16), _INK, large)
        draw.text((8, top + 18), _fitting(draw, row.note, small, _LABEL - 16), _FAINT, small)
        for column, image in enumerate(row.images):
            left = _LABEL + column * across
            tile = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
            sheet.paste(tile.resize(size, Image.Resampling.NEAREST).convert("RGB"), (left, top))
            if row.captions:
                text = _fitting(draw, row.captions[column], small, across)
                draw.text((left, top + size[1]), text, _FAINT, small)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _fitting(draw: "ImageDraw", text: str, font: "FreeTypeFont | ImageFont", width: int) -> str:
    """Shorten a text so that it fits; a line break or control character in it becomes a space."""
    line = "".join(character if character.isprintable() else " " for character in text)
    while line and draw.textlength(line, font) > width:
        line = f"{line[:-2].rstrip('…')}…" if len(line) > 2 else ""
    return line
