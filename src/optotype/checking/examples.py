"""Pictures for findings: an image of either split with its label and file."""

from optotype.checking.findings import Picture, Split
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest


def of_training(data: Dataset, index: int) -> Picture:
    """Give a training image, or one that the source sets aside for validation.

    Args:
        data: The data set.
        index: Its place among them, 0 .. n - 1.
    """
    file = data.files[index] if data.files else None
    split: Split = "validation" if data.validation is not None and index in data.validation else "train"
    return Picture(split, index, data.class_names[int(data.labels[index])], file, data.images[index])


def of_test(data: Dataset, opened: OpenedTest, index: int) -> Picture:
    """Give a test image.

    Args:
        data: The data set.
        opened: Its test split, unsealed.
        index: Its place there, 0 .. n - 1.
    """
    file = data.test.files[index] if data.test.files else None
    return Picture("test", index, data.class_names[int(opened.labels[index])], file, opened.images[index])
