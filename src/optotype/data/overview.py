"""A summary of a data set in numbers, without opening its test images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optotype.data.dataset import Dataset
from optotype.data.statistics import channel_statistics

if TYPE_CHECKING:
    from pydantic import JsonValue


@dataclass(frozen=True)
class ClassCount:
    """The number of images of a class: for training, and set aside by the source for validation."""

    name: str
    train: int
    validation: int


@dataclass(frozen=True)
class Overview:
    """A summary of a data set.

    Attributes:
        data: The data set.
        classes: The numbers of images of each class.
        mean: Mean pixel value of each channel over training and validation images, in 0 .. 1.
        std: Standard deviation of the pixel values of each channel.
    """

    data: Dataset
    classes: tuple[ClassCount, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def sides(self) -> tuple[list[int], list[int]] | None:
        """[min, max] of the heights and of the widths of the training image files in pixels; None without files."""
        sizes = self.data.sizes
        if sizes is None:
            return None
        heights, widths = ([int(side.min()), int(side.max())] for side in sizes.T)
        return heights, widths

    @property
    def validation(self) -> int:
        """The number of images that the source sets aside for validation."""
        return sum(each.validation for each in self.classes)

    @property
    def train(self) -> int:
        """The number of other images in the training split."""
        return sum(each.train for each in self.classes)

    def to_json(self) -> "dict[str, JsonValue]":
        """Return the summary as JSON values; "validation" is null if the source sets no image aside."""
        data = self.data
        height, width, channels = data.shape
        return {
            "name": data.name,
            "source": data.source,
            "licence": data.licence,
            "citation": data.citation,
            "fingerprint": data.fingerprint,
            "test_fingerprint": data.test.fingerprint,
            "splits": {"train": self.train, "validation": self.validation or None, "test": data.test.n},
            "image": {"height": height, "width": width, "channels": channels},
            "files": {"height": [*self.sides[0]], "width": [*self.sides[1]]} if self.sides else None,
            "pixels": {"mean": list(self.mean), "std": list(self.std)},
            "classes": [
                {"name": each.name, "train": each.train, "validation": each.validation}
                for each in self.classes
            ],
            "skipped": [{"file": each.file, "reason": each.reason} for each in data.skipped],
        }


def overview(data: Dataset) -> Overview:
    """Summarize a data set.

    Args:
        data: The data set; its test images are counted, not opened.
    """
    classes = len(data.class_names)
    no_labels = np.empty(0, np.int64)
    validation_labels = no_labels if data.validation is None else data.labels[data.validation]
    totals = np.bincount(data.labels, minlength=classes)
    validation = np.bincount(validation_labels, minlength=classes)
    pixels = channel_statistics(data.images)
    return Overview(
        data,
        tuple(
            ClassCount(name, int(totals[label] - validation[label]), int(validation[label]))
            for label, name in enumerate(data.class_names)
        ),
        pixels.mean,
        pixels.std,
    )
