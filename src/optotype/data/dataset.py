"""The Dataset: images and labels to train on, and a test split that stays sealed.

A SealedTest contains a function that reads the test split, not the split itself, so training and model selection
cannot use it by accident. `optotype.data.sealed` opens it and counts the opening.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]
Sizes = NDArray[np.int32]


@dataclass(frozen=True)
class Skipped:
    """An image file that was left out of a data set.

    Attributes:
        file: Its name relative to the source.
        reason: Why it is unusable.
    """

    file: str
    reason: str


@dataclass(frozen=True)
class Options:
    """The options of `load` beside the source; the same source and options load the same data.

    Attributes:
        size: Side in pixels to which image files are resized; None for the source's default.
        on_bad: Whether an unusable image file stops the loading, or is left out.
        add: Folder of additional training images, as an absolute path; None without.
    """

    size: int | None = None
    on_bad: Literal["stop", "skip"] = "stop"
    add: str | None = None


@dataclass(frozen=True)
class Addition:
    """The additional training images, which follow the source's own images.

    Attributes:
        files: Path of each additional image.
        own_fingerprint: `Dataset.fingerprint` without the additional images.
    """

    files: tuple[str, ...] = field(repr=False)
    own_fingerprint: str


@dataclass(frozen=True, eq=False)
class SealedTest:
    """A test split that was not opened.

    Attributes:
        n: Number of images.
        files: Name of each image relative to the source; None if the images have no files.
    """

    n: int
    _read: Callable[[], tuple[Images, Labels]] = field(repr=False)
    files: tuple[str, ...] | None = field(default=None, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the images and labels, after "sha256:"; openings are counted by it, not by a name."""
        return fingerprint(*self._read())


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels, and a sealed test split.

    Attributes:
        name: Name of the data set.
        images: Training images, uint8 of shape (n, height, width, channels); read-only.
        labels: Their classes, int64 of shape (n,), each in 0 .. classes - 1; read-only.
        class_names: Name of each class.
        licence: Licence of the images, as far as it is known.
        source: The argument of `load` that loads the data again from any working folder: a name or an absolute path;
            "arrays" for data that exist only in memory.
        test: The sealed test split.
        citation: The full reference that the images' authors ask for, as far as it is known.
        validation: Indices of the images that the source sets aside for validation, sorted int64, read-only; None if
            the recipe chooses them.
        files: Name of each training image relative to the source, or the path of an additional image; None if the
            source's images have no files.
        sizes: Height and width of each training image in its file, upright; int32 of shape (n, 2), read-only; None if
            the images have no files, or if there are additional images.
        skipped: Unusable image files that were left out.
        options: The other options of `load`.
        addition: The additional images: the last training images, which are never used for validation; None without.
    """

    name: str
    images: Images = field(repr=False)
    labels: Labels = field(repr=False)
    class_names: tuple[str, ...]
    licence: str
    source: str
    test: SealedTest
    citation: str = "not stated"
    validation: Indices | None = field(default=None, repr=False)
    files: tuple[str, ...] | None = field(default=None, repr=False)
    sizes: Sizes | None = field(default=None, repr=False)
    skipped: tuple[Skipped, ...] = field(default=(), repr=False)
    options: Options = Options()
    addition: Addition | None = None

    @property
    def own_images(self) -> int:
        """The number of training images from the source itself: the first ones, validation included."""
        return len(self.labels) - (len(self.addition.files) if self.addition else 0)

    @property
    def own_fingerprint(self) -> str:
        """The fingerprint without the additional images."""
        return self.addition.own_fingerprint if self.addition else self.fingerprint

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image: (height, width, channels)."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @cached_property
    def fingerprint(self) -> str:
        """The hash of training images, labels and class names, after "sha256:"; computed once, on first use."""
        return fingerprint(self.images, self.labels, self.class_names)


def set_fingerprint(target: Dataset | SealedTest, value: str) -> None:
    """Set the fingerprint of a data set or sealed test set that was computed earlier from the same content.

    Args:
        target: The data set or test set. A copy made by `dataclasses.replace` computes its own fingerprint.
        value: The return value of `fingerprint`.
    """
    # functools.cached_property stores its value here.
    vars(target)["fingerprint"] = value


def fingerprint(images: Images, labels: Labels, class_names: Sequence[str] = ()) -> str:
    """Compute the hash of images, labels and class names: it depends on content only, not on name, place or format.

    Args:
        images: uint8 of shape (n, height, width, channels).
        labels: Integers of shape (n,).
        class_names: Name of each class.

    Returns:
        "sha256:" and 64 hexadecimal digits.
    """
    # The shapes come first, so that different data sets cannot concatenate to the same bytes.
    header = json.dumps({"images": images.shape, "labels": labels.shape, "class_names": list(class_names)})
    digest = hashlib.sha256(header.encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(labels.astype("<i8").tobytes())
    return f"sha256:{digest.hexdigest()}"
