"""`optotype predict --show`: the model's input images in one picture, with the predicted classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from optotype.data.pictures.chunks import Chunk
    from optotype.models.prediction import Prediction

MAX_IMAGES: Final = 2000
"""Images that are drawn; later ones are left out."""

_IMAGES_PER_ROW: Final = 10


class InputSheet:
    """The model's input images, to be drawn in rows of ten. Without a path, images are not kept.

    Attributes:
        path: The PNG file to write, or None.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._chunks: list[Chunk] = []
        self._labels: list[str] = []

    def add(self, chunk: "Chunk", predictions: "Sequence[Prediction]") -> None:
        """Add a chunk of images, unless the sheet is full."""
        if self.path and len(self._labels) < MAX_IMAGES:
            self._chunks.append(chunk)
            self._labels += [prediction.label for prediction in predictions]

    def save(self) -> None:
        """Write the file if there is a path and at least one image.

        Raises:
            OSError: If the file cannot be written.
        """
        import numpy as np

        from optotype.reporting.image_sheet import Row, draw_sheet
        from optotype.storage.atomic import write_durably

        if not self.path or not self._labels:
            return
        images = np.concatenate([chunk.images for chunk in self._chunks])
        files = [file for chunk in self._chunks for file in chunk.files]
        rows = []
        for first in range(0, min(len(files), MAX_IMAGES), _IMAGES_PER_ROW):
            places = slice(first, first + _IMAGES_PER_ROW)
            title = f"{first + 1:,} to {first + len(files[places]):,}"
            rows.append(Row(title, files[first], images[places], tuple(self._labels[places])))
        write_durably(self.path, draw_sheet("Input images of the model", rows))
