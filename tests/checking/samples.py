"""Small sets of different pictures in three easy classes, into which faults can be planted."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, SealedTest

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
CLASSES = ("round", "flat", "tall")


def textures(n: int, seed: int, side: int = 12, channels: int = 1) -> tuple[Images, Labels]:
    """Create pictures of 6 x 6 random blotches, all different; each class has a bright third of its own."""
    rng = np.random.default_rng(seed)
    blotches = rng.integers(0, 120, (n, 6, 6, channels)).repeat(side // 6, axis=1).repeat(side // 6, axis=2)
    labels = np.arange(n) % len(CLASSES)
    images = blotches.astype(np.uint8)
    for label in range(len(CLASSES)):
        images[labels == label, label * side // 3 : (label + 1) * side // 3] += 120
    return images, labels


def textured(n: int = 300, **changes: Any) -> Dataset:
    """Create a data set of such pictures with 30 test images; keyword arguments replace its fields."""
    images, labels = textures(n, 1)
    test = SealedTest(30, lambda: textures(30, 2))
    data = Dataset("textures", images, labels, CLASSES, "none", "memory", test)
    return replace(data, **changes)


def with_copies(data: Dataset, images: Images, labels: Labels) -> Dataset:
    """Append images to those of a data set."""
    return replace(
        data,
        images=np.concatenate([data.images, images]),
        labels=np.concatenate([data.labels, labels]),
    )
