"""Arrays and frames in memory as a Dataset. They have no place to be loaded from again: their source is "arrays"."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.data.arrays.images import as_images
from optotype.data.dataset import Dataset, Images, Labels, SealedTest
from optotype.data.sources.listing import class_name
from optotype.data.test_split import split_off_test
from optotype.errors import DataError

SOURCE: Final = "arrays"
"""What `Dataset.source` is where the data were in memory only."""

KEYS: Final = ("x_train", "y_train", "x_test", "y_test")
LABEL_COLUMN: Final = "label"


@runtime_checkable
class Frame(Protocol):
    """What is used of a data frame, be it of pandas or polars."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""
        ...

    def __getitem__(self, key: Any, /) -> Any:  # noqa: ANN401 - a column by its name, or a frame by several
        """Some of the columns."""
        ...


Arrays = tuple[ArrayLike, ArrayLike] | Mapping[str, ArrayLike] | Frame


def load_arrays(source: Arrays) -> Dataset:
    """Make a Dataset of arrays.

    Args:
        source: One of (x, y); ((x_train, y_train), (x_test, y_test)), as Keras's load_data returns; a mapping with the
            keys x_train and y_train, and x_test and y_test where there is a test split; a frame with a column "label"
            and a column for each pixel of square grey images, row by row.
            Images are what `pixels.as_images` accepts; the pixels of a frame may be of any integer type. Labels are
            integers or strings, of shape (n,) or (n, 1).

    Returns:
        The data set. Its classes are the labels that occur in training, in ascending order, and named as they read
        (in Unicode's form NFC).
        Where there is no test split, `held_out.split_off_test` chooses one fifth of every class.

    Raises:
        DataError: The arrays are not of that form; the message says which, and how.
    """
    return dataset_of(_by_key(source), "arrays", SOURCE)


def dataset_of(arrays: Mapping[str, ArrayLike], name: str, source: str) -> Dataset:
    """Make a Dataset of arrays by their keys.

    Args:
        arrays: As the mapping that `load_arrays` takes.
        name: What to call the data set.
        source: What `load` takes to get it again.

    Raises:
        DataError: As for `load_arrays`.
    """
    if set(arrays) not in ({*KEYS[:2]}, {*KEYS}):
        raise DataError(
            f"The arrays are called {', '.join(map(str, arrays)) or 'nothing'}, expected x_train and y_train, and"
            " x_test and y_test where there is a test split. Rename them."
        )
    images, named = _pair(arrays, "train")
    names, labels = _classes(named)
    if "x_test" in arrays:
        test = _test(arrays, images.shape[1:], names)
    else:
        kept, held = split_off_test(labels)
        test = _locked(images[held], labels[held])
        images, labels = images[kept], labels[kept]
    images, labels = _locked(images, labels)
    return Dataset(
        name=name,
        images=images,
        labels=labels,
        class_names=_class_names(names),
        licence="not stated",
        source=source,
        test=SealedTest(len(test[1]), lambda: test),
    )


def _by_key(source: Arrays) -> Mapping[str, ArrayLike]:
    match source:
        case Mapping():
            return source
        case ((x_train, y_train), (x_test, y_test)) if isinstance(source[0], tuple):
            return dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True))
        case (x, y):
            return {"x_train": x, "y_train": y}
        case Frame():
            return _of_frame(source)
    raise DataError(
        f"A data set cannot be made of {type(source).__name__}, expected a name, a path, arrays (x, y), a mapping of"
        f" {', '.join(KEYS)}, or a frame with a column {LABEL_COLUMN!r}. Give one of these."
    )


def _of_frame(frame: Frame) -> dict[str, ArrayLike]:
    columns = list(frame.columns)
    if columns.count(LABEL_COLUMN) != 1:
        raise DataError(
            f"The frame has {columns.count(LABEL_COLUMN)} columns {LABEL_COLUMN!r} among {len(columns)}, expected one,"
            " and a column for each pixel. Rename the column of the labels."
        )
    pixels = np.asarray(frame[[column for column in columns if column != LABEL_COLUMN]])
    if pixels.dtype.kind in "iu" and pixels.dtype != np.uint8:
        # Readers of CSV make every number an int64.
        low, high = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
        if low < 0 or high > 255:
            raise DataError(
                f"The frame's pixels range from {low} to {high}, expected 0 to 255. Leave every column out that is"
                f" neither a pixel nor {LABEL_COLUMN!r}."
            )
        pixels = pixels.astype(np.uint8)
    return {"x_train": pixels, "y_train": np.asarray(frame[LABEL_COLUMN])}


def _pair(arrays: Mapping[str, ArrayLike], split: str) -> tuple[Images, NDArray[Any]]:
    x, y = f"x_{split}", f"y_{split}"
    images, labels = as_images(x, _as_array(x, arrays[x])), _as_labels(y, _as_array(y, arrays[y]))
    if len(images) != len(labels):
        raise DataError(
            f"{x} holds {len(images)} images and {y} holds {len(labels)} labels, expected as many of the one as of the"
            " other. Give one label an image."
        )
    return images, labels


def _as_array(what: str, given: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except ValueError as error:
        raise DataError(
            f"{what} is no array ({error}), expected rows of one length. Give a NumPy array."
        ) from error


def _as_labels(what: str, array: NDArray[Any]) -> NDArray[Any]:
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.dtype == object and all(isinstance(each, str) for each in flat.flat):
        flat = flat.astype(np.str_)
    if flat.ndim != 1 or flat.dtype.kind not in "iuU":
        hint = "Give np.argmax(y, axis=1)." if flat.ndim == 2 else "Give one integer or string an image."
        raise DataError(
            f"{what} has dtype {array.dtype} and shape {array.shape}, expected integers or strings of shape (n,)."
            f" {hint}"
        )
    return flat


def _classes(labels: NDArray[Any]) -> tuple[NDArray[Any], Labels]:
    names, indices = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise DataError(
            f"All {len(labels)} training images are of the one class {names[0]}, expected at least two classes to tell"
            " apart. Add images of another class."
        )
    return names, indices.astype(np.int64)


def _class_names(labels: NDArray[Any]) -> tuple[str, ...]:
    """Name the classes after their labels, which differ, but perhaps by their Unicode form only."""
    labels_of: dict[str, str] = {}
    for label in map(str, labels.tolist()):
        other = labels_of.setdefault(class_name("y_train", label), label)
        if other != label:
            raise DataError(
                f"y_train has the labels {other!a} and {label!a}, which differ by Unicode form only, expected one name"
                " for one class. Give unicodedata.normalize('NFC', label) for each label."
            )
    return tuple(labels_of)


def _test(
    arrays: Mapping[str, ArrayLike], shape: tuple[int, ...], names: NDArray[Any]
) -> tuple[Images, Labels]:
    images, named = _pair(arrays, "test")
    if images.shape[1:] != shape:
        raise DataError(
            f"x_test has images of shape {images.shape[1:]}, expected {shape} like x_train."
            " Bring all images to one size."
        )
    known = {name: label for label, name in enumerate(names.tolist())}
    values = named.tolist()
    if strange := [value for value in values if value not in known]:
        raise DataError(
            f"y_test has the label {strange[0]!r}, expected one that y_train has too: {', '.join(map(str, known))}."
            " Add training images of that class, or leave its test images out."
        )
    return _locked(images, np.array([known[value] for value in values], np.int64))


def _locked(images: Images, labels: Labels) -> tuple[Images, Labels]:
    for array in (images, labels):
        array.setflags(write=False)
    return images, labels
