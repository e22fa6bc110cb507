"""A contact sheet: some images of each class side by side, a row a class, as one PNG picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.engine.randomness import permutation

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

MOST_ROWS: Final = 200
_ACROSS: Final = 10
_CELL: Final = 56
_GAP: Final = 4
_LABEL: Final = 180
_PAPER, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (110, 110, 110)
# Sets the hash of the choice apart from that of every split: the word "sheet" in ASCII.
_SHEET: Final = 0x7368656574


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the sheet.

    Attributes:
        label: What it shows.
        note: A second, fainter line; may be empty.
        images: uint8 of shape (n, height, width, channels), n at most 10.
    """

    label: str
    note: str
    images: NDArray[np.uint8]


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
    across, down = width * factor + _GAP, height * factor + _GAP
    down = max(down, 36)
    sheet = Image.new("RGB", (_LABEL + across * _ACROSS + _GAP, 40 + down * len(rows)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(14), ImageFont.load_default(11)
    draw.text((8, 10), _fitting(draw, title, large, sheet.width - 16), _INK, large)
    for place, row in enumerate(rows):
        top = 40 + place * down
        draw.text((8, top), _fitting(draw, row.label, large, _LABEL - 16), _INK, large)
        draw.text((8, top + 18), row.note, _FAINT, small)
        for column, image in enumerate(row.images):
            tile = Image.fromarray(image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image))
            enlarged = tile.resize((width * factor, height * factor), Image.Resampling.NEAREST)
            sheet.paste(enlarged.convert("RGB"), (_LABEL + column * across, top))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _fitting(draw: "ImageDraw", text: str, font: "FreeTypeFont | ImageFont", width: int) -> str:
    """Shorten a text so that it fits; a line break or control character in it becomes a space."""
    line = "".join(character if character.isprintable() else " " for character in text)
    while line and draw.textlength(line, font) > width:
        line = f"{line[:-2].rstrip('…')}…" if len(line) > 2 else ""
    return line
