"""`optotype predict --show`: the images as the model saw them, with what it said below."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from optotype.data.pictures.chunks import Chunk
    from optotype.models.prediction import Prediction

MOST: Final = 2000
"""Images that are drawn; what comes after them is left out."""

_ACROSS: Final = 10


class Seen:
    """Images as the model saw them, to be drawn in rows of ten; nothing is kept where nothing is to be drawn.

    Attributes:
        path: The picture to be drawn, if any.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._chunks: list[Chunk] = []
        self._labels: list[str] = []

    def take(self, chunk: "Chunk", predictions: "Sequence[Prediction]") -> None:
        """Keep a chunk, unless there are enough images."""
        if self.path and len(self._labels) < MOST:
            self._chunks.append(chunk)
            self._labels += [each.label for each in predictions]

    def draw(self) -> None:
        """Draw the picture where there is an image to draw; OSError where it cannot be written."""
        import numpy as np

        from optotype.reporting.image_sheet import Row, draw_sheet
        from optotype.storage.atomic import write_durably

        if not self.path or not self._labels:
            return
        images = np.concatenate([chunk.images for chunk in self._chunks])
        files = [file for chunk in self._chunks for file in chunk.files]
        rows = []
        for first in range(0, min(len(files), MOST), _ACROSS):
            some = slice(first, first + _ACROSS)
            last = first + len(files[some])
            rows.append(
                Row(f"{first + 1:,} to {last:,}", files[first], images[some], tuple(self._labels[some]))
            )
        write_durably(self.path, draw_sheet("As the model sees them", rows))
