"""Pictures for findings: an image of any split with its label and file name."""

from optotype.checking.findings import Picture, Split
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest


def of_training(data: Dataset, index: int) -> Picture:
    """Return a training image, or a validation image that the source itself provides, as a picture.

    Args:
        data: The data set.
        index: Index of the image among both, 0 .. n - 1.
    """
    file = data.files[index] if data.files else None
    split: Split = "validation" if data.validation is not None and index in data.validation else "train"
    return Picture(split, index, data.class_names[int(data.labels[index])], file, data.images[index])


def of_test(data: Dataset, opened: OpenedTest, index: int) -> Picture:
    """Return a test image as a picture.

    Args:
        data: The data set.
        opened: Its opened test split.
        index: Index of the image in the test split, 0 .. n - 1.
    """
    file = data.test.files[index] if data.test.files else None
    return Picture("test", index, data.class_names[int(opened.labels[index])], file, opened.images[index])
