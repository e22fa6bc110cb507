"""A folder of four IDX files with MNIST's names, each plain or compressed with gzip, as a Dataset."""

from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.arrays.idx import read_idx
from optotype.data.arrays.images import check_shape
from optotype.data.dataset import Dataset, Images, Labels, SealedTest
from optotype.errors import DataError

IDX_FILES: Final = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def has_idx_files(folder: Path, *, complete: bool = True) -> bool:
    """Return whether a folder has all four files, or at least one of them if ``complete`` is False."""
    names = [name for pair in IDX_FILES.values() for name in pair]
    exists = [any(path.is_file() for path in _paths(folder, name)) for name in names]
    return all(exists) if complete else any(exists)


def load_idx_folder(folder: Path, class_names: tuple[str, ...] | None = None) -> Dataset:
    """Load a folder of four IDX files; images in plain files are memory-mapped.

    Args:
        folder: The folder of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
            t10k-labels-idx1-ubyte, each plain or with .gz.
        class_names: Name of each class; None if the labels 0, 1, ... are the names. Each class must have a training
            image.

    Raises:
        DataError: If a file is missing; the data set is empty, has a single class, images that are not uint8 or larger
            than 128 x 128, or different numbers of images and labels; or a label is out of range.
        IdxError: If a file is malformed.
    """
    images, labels = _read_split(folder, "train")
    found = len(np.unique(labels))
    classes = len(class_names) if class_names else found
    if found < 2:
        raise DataError(
            f"All {len(labels)} training images in {folder} have the class {labels[0]}; expected at least two classes."
            " Add images of another class."
        )
    _check_range(_find(folder, IDX_FILES["train"][1]), labels, classes)
    if found != classes:
        raise DataError(
            f"{_find(folder, IDX_FILES['train'][1])} has {found} classes; expected {classes}."
            " Check that this is the right data set."
        )
    test = partial(_read_test, folder, images.shape[1:], classes)
    return Dataset(
        name=folder.resolve().name,
        images=images,
        labels=labels,
        class_names=class_names or tuple(str(label) for label in range(classes)),
        licence="not stated",
        source=str(folder.resolve()),
        # Read once now and discarded: a damaged test split should raise before training, not after it.
        test=SealedTest(len(test()[1]), test),
    )


def _read_test(folder: Path, shape: tuple[int, ...], classes: int) -> tuple[Images, Labels]:
    images, labels = _read_split(folder, "test")
    if images.shape[1:] != shape:
        raise DataError(
            f"The test images in {folder} have shape {images.shape[1:]}; expected {shape} as for the training images."
            " Resize all images to one size."
        )
    _check_range(_find(folder, IDX_FILES["test"][1]), labels, classes)
    return images, labels


def _read_split(folder: Path, split: str) -> tuple[Images, Labels]:
    image_path, label_path = (_find(folder, name) for name in IDX_FILES[split])
    images = _check_images(image_path, read_idx(image_path))
    labels = _check_labels(label_path, read_idx(label_path))
    if len(images) != len(labels):
        raise DataError(
            f"{image_path} contains {len(images)} images and {label_path} contains {len(labels)} labels; expected equal"
            " numbers. Use the two files of the same split."
        )
    return images, labels


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / name, folder / f"{name}.gz"


def _find(folder: Path, name: str) -> Path:
    for path in _paths(folder, name):
        if path.is_file():
            return path
    expected = ", ".join(name for names in IDX_FILES.values() for name in names)
    raise DataError(
        f"{folder} has no file {name} or {name}.gz; expected four IDX files: {expected}. Add the file."
    )


def _check_images(path: Path, array: NDArray[Any]) -> Images:
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise DataError(
            f"{path} contains {array.dtype.name} values of shape {array.shape}; expected uint8 images of shape"
            " (n, height, width) or (n, height, width, channels). Convert the images."
        )
    images = array[..., np.newaxis] if array.ndim == 3 else array
    check_shape(str(path), images.shape)
    return images


def _check_labels(path: Path, array: NDArray[Any]) -> Labels:
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(
            f"{path} contains {array.dtype.name} values of shape {array.shape}; expected integer labels of shape (n,)."
            " Write one label per image."
        )
    labels = array.astype(np.int64)
    labels.setflags(write=False)
    return labels


def _check_range(path: Path, labels: Labels, classes: int) -> None:
    invalid = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(invalid):
        raise DataError(
            f"Label {labels[invalid[0]]} at index {invalid[0]} of {path} is out of range; expected 0 to {classes - 1}"
            f" for the {classes} classes with training images. Number the classes from 0 without gaps."
        )
