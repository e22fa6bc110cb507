"""Classes that have far fewer training images than others."""

from typing import Final

import numpy as np

from optotype.checking.findings import Finding
from optotype.data.dataset import Dataset

IMBALANCED: Final = 10
"""A class is reported when another has at least so many times as many images. There is no agreed number; at ten, a net
that never names the small class of two still reaches an accuracy above 0.9."""


def imbalance(data: Dataset) -> list[Finding]:
    """List the classes that have at most a tenth of the images of the largest class.

    Args:
        data: The data set; each of its classes has at least one training image.
    """
    counts = np.bincount(data.labels, minlength=len(data.class_names))
    largest = int(counts.argmax())
    return [
        Finding(
            "imbalance", _said(data, label, largest, counts.tolist()), counts[largest] / max(counts[label], 1)
        )
        for label in np.flatnonzero(counts * IMBALANCED <= counts[largest]).tolist()
    ]


def _said(data: Dataset, label: int, largest: int, counts: list[int]) -> str:
    return (
        f"{data.class_names[label]!r} has {counts[label]:,} of the {sum(counts):,} training images,"
        f" {data.class_names[largest]!r} has {counts[largest]:,}."
    )
