"""From a source to a Dataset: MNIST, which ships inside the package, or a folder of four IDX files.

Everything is checked here, once: what `load` returns, the rest of the package can rely on.
"""

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, Images, Labels, SealedTest
from optotype.data.idx import read_idx
from optotype.errors import DataError, unknown_name

FILES: Final = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
LARGEST_SIDE: Final = 128


@dataclass(frozen=True)
class Shipped:
    """A data set inside the package.

    Attributes:
        folder: Where, below this package.
        class_names: The name of each class.
        licence: Its name.
        md5: The published MD5 sum of each file.
    """

    folder: str
    class_names: tuple[str, ...]
    licence: str
    md5: dict[str, str]


SHIPPED: Final = {
    "mnist": Shipped(
        folder="mnist",
        class_names=tuple("0123456789"),
        licence="CC BY-SA 3.0, Y. LeCun and C. Cortes",
        # Of the uncompressed files, as published in SecML (secml.data.loader.CDataLoaderMNIST, version 0.13).
        md5={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        },
    )
}


def load(source: str | Path) -> Dataset:
    """Load a data set by its name or from a folder.

    Args:
        source: "mnist", or a folder of four IDX files with MNIST's names, each plain or .gz:
            train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte. A name
            goes before a folder of the same name; "./mnist" is always a folder.

    Returns:
        The data set, its test split sealed. In a folder the classes are the labels themselves, 0 and up, each of
        which at least one training image must have. Images in plain files are mapped, not read.

    Raises:
        DataError: The source is unknown or a file is missing; the data set is empty, has a single class, images
            that are not uint8 or larger than 128 x 128, or numbers of images and labels that differ; or a label is
            out of range.
        IdxError: A file is malformed.
    """
    name = str(source)
    if shipped := SHIPPED.get(name):
        return _dataset(name, name, Path(str(files("optotype.data"))) / shipped.folder, shipped)
    try:
        return _load_folder(name)
    except OSError as error:
        raise DataError(
            f"{name} cannot be read: {error.strerror or error}. Expected a readable folder; check its rights."
        ) from error


def _load_folder(name: str) -> Dataset:
    folder = Path(name)
    if not folder.is_dir():
        hint = "It is a file, not a folder." if folder.exists() else "Nor is there a folder of that name."
        raise DataError(
            f"{unknown_name('data set', name, SHIPPED)} {hint}"
            " The path of a folder of four IDX files with MNIST's names is accepted too."
        )
    return _dataset(folder.resolve().name, name, folder, None)


def _dataset(name: str, source: str, folder: Path, shipped: Shipped | None) -> Dataset:
    images, labels = _read_split(folder, "train")
    classes = len(np.unique(labels))
    if classes < 2:
        raise DataError(
            f"All {len(labels)} training images in {folder} are of the one class {labels[0]}, expected at least two"
            " classes to tell apart. Add images of another class."
        )
    _check_range(_find(folder, FILES["train"][1]), labels, classes)
    test = partial(_read_test, folder, images.shape[1:], classes)
    return Dataset(
        name=name,
        images=images,
        labels=labels,
        class_names=shipped.class_names if shipped else tuple(str(label) for label in range(classes)),
        licence=shipped.licence if shipped else "not stated",
        source=source,
        # Read once now, and let go: a broken test split is better known before the training than after it.
        test=SealedTest(len(test()[1]), test),
    )


def _read_test(folder: Path, shape: tuple[int, ...], classes: int) -> tuple[Images, Labels]:
    images, labels = _read_split(folder, "test")
    if images.shape[1:] != shape:
        raise DataError(
            f"The test images in {folder} have shape {images.shape[1:]}, expected {shape} like the training images."
            " Bring all images to one size."
        )
    _check_range(_find(folder, FILES["test"][1]), labels, classes)
    return images, labels


def _read_split(folder: Path, split: str) -> tuple[Images, Labels]:
    image_path, label_path = (_find(folder, name) for name in FILES[split])
    images = _as_images(image_path, read_idx(image_path))
    labels = _as_labels(label_path, read_idx(label_path))
    if len(images) != len(labels):
        raise DataError(
            f"{image_path} holds {len(images)} images and {label_path} holds {len(labels)} labels, expected as many"
            " of the one as of the other. Use the two files of the same split."
        )
    return images, labels


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    wanted = ", ".join(name for names in FILES.values() for name in names)
    raise DataError(
        f"{folder} has no file {name} or {name}.gz, expected four IDX files: {wanted}. Add the file."
    )


def _as_images(path: Path, array: NDArray[Any]) -> Images:
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise DataError(
            f"{path} holds {array.dtype.name} values of shape {array.shape}, expected uint8 images of shape"
            " (n, height, width) or (n, height, width, channels). Convert the images."
        )
    images = array[..., np.newaxis] if array.ndim == 3 else array
    if len(images) == 0:
        raise DataError(f"{path} is empty: it holds 0 images, expected at least one. Add images.")
    sides, channels = images.shape[1:3], images.shape[3]
    if not 1 <= min(sides) <= max(sides) <= LARGEST_SIDE or channels not in (1, 3):
        raise DataError(
            f"{path} holds images of {sides[0]} x {sides[1]} pixels and {channels} channels, expected sides of 1 to"
            f" {LARGEST_SIDE} pixels and 1 or 3 channels. Resize the images."
        )
    return images


def _as_labels(path: Path, array: NDArray[Any]) -> Labels:
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(
            f"{path} holds {array.dtype.name} values of shape {array.shape}, expected whole-numbered labels of shape"
            " (n,). Write one label an image."
        )
    labels = array.astype(np.int64)
    labels.setflags(write=False)
    return labels


def _check_range(path: Path, labels: Labels, classes: int) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(
            f"Label {labels[wrong[0]]} at index {wrong[0]} of {path} is out of range, expected 0 to {classes - 1} for"
            f" the {classes} classes that have training images. Number the classes from 0 without a gap."
        )
