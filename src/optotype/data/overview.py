"""What a data set holds, in numbers, without a look at its test images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optotype.data.dataset import Dataset
from optotype.data.statistics import channel_statistics

if TYPE_CHECKING:
    from pydantic import JsonValue


@dataclass(frozen=True)
class ClassCount:
    """How many images a class has: to train on, and set aside by the source for validation."""

    name: str
    train: int
    validation: int


@dataclass(frozen=True)
class Overview:
    """What a data set holds.

    Attributes:
        data: The data set.
        classes: The images of each class.
        mean: Of the pixels of each channel, over training and validation images, in 0..1.
        std: Their standard deviation.
    """

    data: Dataset
    classes: tuple[ClassCount, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def sides(self) -> tuple[list[int], list[int]] | None:
        """Least and largest height, then width, of the training pictures in their files; None where there are none."""
        sizes = self.data.sizes
        if sizes is None:
            return None
        heights, widths = ([int(side.min()), int(side.max())] for side in sizes.T)
        return heights, widths

    @property
    def validation(self) -> int:
        """Images that the source itself sets aside for validation."""
        return sum(each.validation for each in self.classes)

    @property
    def train(self) -> int:
        """The other images to train on."""
        return sum(each.train for each in self.classes)

    def to_json(self) -> "dict[str, JsonValue]":
        """Give the overview as JSON values; "validation" is null where the source sets no image aside."""
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
    """Look over a data set.

    Args:
        data: The data set; its test images are counted, not looked at.
    """
    classes = len(data.class_names)
    held = np.empty(0, np.int64) if data.validation is None else data.labels[data.validation]
    of_each = np.bincount(data.labels, minlength=classes)
    aside = np.bincount(held, minlength=classes)
    pixels = channel_statistics(data.images)
    return Overview(
        data,
        tuple(
            ClassCount(name, int(of_each[label] - aside[label]), int(aside[label]))
            for label, name in enumerate(data.class_names)
        ),
        pixels.mean,
        pixels.std,
    )
