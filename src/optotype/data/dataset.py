"""What a data set is: images and labels to train on, and a test split that stays sealed.

A SealedTest holds how to read the test split, not the split: nothing that trains or chooses can look at it by
accident. `optotype.data.sealed` opens it, and counts.
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
    """A picture that was left out of a data set.

    Attributes:
        file: Its name relative to the source.
        reason: Why it could not be used.
    """

    file: str
    reason: str


@dataclass(frozen=True)
class Options:
    """What `load` was told beside the source; told the same again, it gives the same data.

    Attributes:
        size: Side in pixels to which pictures are brought; None for the source's own rule.
        on_bad: Whether a picture that cannot be used stops the loading, or is left out.
        add: The folder of pictures that were added to the training images, as an absolute path; None without.
    """

    size: int | None = None
    on_bad: Literal["stop", "skip"] = "stop"
    add: str | None = None


@dataclass(frozen=True)
class Addition:
    """Training images that are not the source's own, and follow those.

    Attributes:
        files: The path of each.
        own_fingerprint: What `Dataset.fingerprint` is without them.
    """

    files: tuple[str, ...] = field(repr=False)
    own_fingerprint: str


@dataclass(frozen=True, eq=False)
class SealedTest:
    """A test split nobody has looked at.

    Attributes:
        n: Number of images.
        files: The name of each image relative to the source; None where images have no files.
    """

    n: int
    _read: Callable[[], tuple[Images, Labels]] = field(repr=False)
    files: tuple[str, ...] | None = field(default=None, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the images and labels, after "sha256:"; a test set is counted by it, whatever its name."""
        return fingerprint(*self._read())


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels, and a test split kept apart.

    Attributes:
        name: What to call it.
        images: Training images, uint8 of shape (n, height, width, channels); read-only.
        labels: Their classes, int64 of shape (n,), each in 0 .. classes - 1; read-only.
        class_names: The name of each class.
        licence: Under which the images may be used, as far as it is known.
        source: What `load` takes to get the data again, from any folder: a name or an absolute path; "arrays" for what
            was in memory only.
        test: The sealed test split.
        citation: The full reference that the images' authors ask for, as far as it is known.
        validation: Indices of the images that the source itself sets aside, sorted int64, read-only; None where it
            leaves that to the recipe.
        files: The name of each training image relative to the source, the path of one that was added; None where the
            source's images have no files.
        sizes: Height and width of each training picture in its file, turned upright; int32 of shape (n, 2), read-only;
            None where images have no files, and where some were added.
        skipped: Pictures that were left out because they could not be used.
        options: What else `load` was given.
        addition: The last of the training images, where they were added to the source's own; they only train.
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
        """How many training images are the source's own: the first ones, validation included."""
        return len(self.labels) - (len(self.addition.files) if self.addition else 0)

    @property
    def own_fingerprint(self) -> str:
        """The fingerprint without what was added."""
        return self.addition.own_fingerprint if self.addition else self.fingerprint

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image: height, width, channels."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the training images, labels and class names, after "sha256:"; computed once, when asked."""
        return fingerprint(self.images, self.labels, self.class_names)


def remember_fingerprint(held: Dataset | SealedTest, known: str) -> None:
    """Give a data set or sealed test the fingerprint that was computed from the same content before.

    Args:
        held: What has that content; a copy with other content, by `dataclasses.replace`, computes its own.
        known: What `fingerprint` gave.
    """
    # Where functools.cached_property keeps, and looks for, its value.
    vars(held)["fingerprint"] = known


def fingerprint(images: Images, labels: Labels, class_names: Sequence[str] = ()) -> str:
    """Hash images, labels and class names: what was in the data set, whatever its name, place and packing.

    Args:
        images: uint8 of shape (n, height, width, channels).
        labels: Integers of shape (n,).
        class_names: The name of each class.

    Returns:
        "sha256:" and 64 hexadecimal digits.
    """
    # The shapes come first, so that no two data sets run together into the same bytes.
    about = json.dumps({"images": images.shape, "labels": labels.shape, "class_names": list(class_names)})
    digest = hashlib.sha256(about.encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(labels.astype("<i8").tobytes())
    return f"sha256:{digest.hexdigest()}"
