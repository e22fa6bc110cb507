"""Class imbalance: classes with far fewer training images than the largest class."""

import numpy as np

from optotype.checking.findings import Finding
from optotype.data.dataset import Dataset
from optotype.data.imbalance import rare_classes


def imbalance(data: Dataset) -> list[Finding]:
    """List the classes that have at most a tenth of the images of the largest class.

    Args:
        data: The data set; each of its classes has at least one training image.
    """
    counts = np.bincount(data.labels, minlength=len(data.class_names))
    largest = int(counts.argmax())
    return [
        Finding(
            "imbalance",
            _message(data, label, largest, counts.tolist()),
            counts[largest] / max(counts[label], 1),
        )
        for label in rare_classes(counts)
    ]


def _message(data: Dataset, label: int, largest: int, counts: list[int]) -> str:
    return (
        f"Class {data.class_names[label]!r} has {counts[label]:,} of the {sum(counts):,} training images,"
        f" {data.class_names[largest]!r} has {counts[largest]:,}."
    )
