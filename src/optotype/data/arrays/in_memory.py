"""Arrays and data frames in memory as a Dataset. They cannot be loaded again: their source is "arrays"."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optotype.data.arrays.images import check_images, to_uint8
from optotype.data.dataset import Dataset, Images, Labels, SealedTest
from optotype.data.sources.listing import normalize_class_name
from optotype.data.test_split import split_off_test
from optotype.errors import DataError

ARRAYS: Final = "arrays"
"""`Dataset.source` of data that exist only in memory."""

ARRAY_KEYS: Final = ("x_train", "y_train", "x_test", "y_test")
LABEL_COLUMN: Final = "label"


@runtime_checkable
class DataFrame(Protocol):
    """The part of a data frame that is used, of pandas or polars."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""
        ...

    def __getitem__(self, key: Any, /) -> Any:  # noqa: ANN401 - a column by its name, or a data frame by several
        """One column or several columns."""
        ...


Arrays = tuple[ArrayLike, ArrayLike] | Mapping[str, ArrayLike] | DataFrame


def load_arrays(source: Arrays) -> Dataset:
    """Create a Dataset from arrays.

    Args:
        source: One of (x, y); ((x_train, y_train), (x_test, y_test)), as Keras's load_data returns; a mapping with the
            keys x_train and y_train, and x_test and y_test if there is a test split; a data frame with a column
            "label" and one column per pixel of square grey images, row by row.
            Images are arrays that `images.check_images` accepts; the pixels of a data frame may have any integer
            dtype. Labels are integers or strings, of shape (n,) or (n, 1).

    Returns:
        The data set. Its classes are the labels that occur in training, in ascending order; their names are the labels
        as text (in Unicode form NFC). Without a test split, `test_split.split_off_test` chooses one fifth of every
        class.

    Raises:
        DataError: If the arrays do not have that form; the message names the array and the fault.
    """
    return dataset_from_arrays(_to_mapping(source), "arrays", ARRAYS)


def dataset_from_arrays(arrays: Mapping[str, ArrayLike], name: str, source: str) -> Dataset:
    """Create a Dataset from a mapping of arrays.

    Args:
        arrays: As the mapping that `load_arrays` takes.
        name: Name of the data set.
        source: The argument of `load` that loads it again.

    Raises:
        DataError: As for `load_arrays`.
    """
    if set(arrays) not in ({*ARRAY_KEYS[:2]}, {*ARRAY_KEYS}):
        raise DataError(
            f"The arrays have the names {', '.join(map(str, arrays)) or '(none)'}; expected x_train and y_train, and"
            " optionally x_test and y_test. Rename them."
        )
    images, train_labels = _pair(arrays, "train")
    classes, labels = _classes(train_labels)
    if "x_test" in arrays:
        test = _test(arrays, images.shape[1:], classes)
    else:
        train_rows, test_rows = split_off_test(labels)
        test = _read_only(images[test_rows], labels[test_rows])
        images, labels = images[train_rows], labels[train_rows]
    images, labels = _read_only(images, labels)
    return Dataset(
        name=name,
        images=images,
        labels=labels,
        class_names=_class_names(classes),
        licence="not stated",
        source=source,
        test=SealedTest(len(test[1]), lambda: test),
    )


def _to_mapping(source: Arrays) -> Mapping[str, ArrayLike]:
    match source:
        case Mapping():
            return source
        case ((x_train, y_train), (x_test, y_test)) if isinstance(source[0], tuple):
            return dict(zip(ARRAY_KEYS, (x_train, y_train, x_test, y_test), strict=True))
        case (x, y):
            return {"x_train": x, "y_train": y}
        case DataFrame():
            return _from_frame(source)
    raise DataError(
        f"A data set cannot be created from {type(source).__name__}; expected a name, a path, arrays (x, y), a mapping"
        f" with the keys {', '.join(ARRAY_KEYS)}, or a data frame with a column {LABEL_COLUMN!r}. Pass one of these."
    )


def _from_frame(frame: DataFrame) -> dict[str, ArrayLike]:
    columns = list(frame.columns)
    if columns.count(LABEL_COLUMN) != 1:
        raise DataError(
            f"The data frame has {columns.count(LABEL_COLUMN)} columns {LABEL_COLUMN!r} among {len(columns)}; expected"
            " one, and one column per pixel. Rename the column of the labels."
        )
    pixels = np.asarray(frame[[column for column in columns if column != LABEL_COLUMN]])
    if pixels.dtype.kind in "iu" and pixels.dtype != np.uint8:
        # CSV readers return every number as int64.
        low, high = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
        if low < 0 or high > 255:
            raise DataError(
                f"The data frame's pixels range from {low} to {high}; expected 0 to 255. Remove every column that is"
                f" neither a pixel nor {LABEL_COLUMN!r}."
            )
        pixels = pixels.astype(np.uint8)
    return {"x_train": pixels, "y_train": np.asarray(frame[LABEL_COLUMN])}


def _pair(arrays: Mapping[str, ArrayLike], split: str) -> tuple[Images, NDArray[Any]]:
    x, y = f"x_{split}", f"y_{split}"
    images = to_uint8(check_images(_to_array(x, arrays[x]), name=x))
    labels = _check_labels(y, _to_array(y, arrays[y]))
    if len(images) != len(labels):
        raise DataError(
            f"{x} contains {len(images)} images and {y} contains {len(labels)} labels; expected equal numbers."
            " Pass one label per image."
        )
    return images, labels


def _to_array(name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(
            f"{name} is not an array ({error}); expected rows of equal length. Pass a NumPy array."
        ) from error


def _check_labels(name: str, array: NDArray[Any]) -> NDArray[Any]:
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.dtype == object and all(isinstance(label, str) for label in flat.flat):
        flat = flat.astype(np.str_)
    if flat.ndim != 1 or flat.dtype.kind not in "iuU":
        hint = "Pass np.argmax(y, axis=1)." if flat.ndim == 2 else "Pass one integer or string per image."
        raise DataError(
            f"{name} has dtype {array.dtype} and shape {array.shape}; expected integers or strings of shape (n,)."
            f" {hint}"
        )
    return flat


def _classes(labels: NDArray[Any]) -> tuple[NDArray[Any], Labels]:
    classes, indices = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"All {len(labels)} training images have the class {classes[0]}; expected at least two classes."
            " Add images of another class."
        )
    return classes, indices.astype(np.int64)


def _class_names(labels: NDArray[Any]) -> tuple[str, ...]:
    """Return the class names; labels that differ only by Unicode form are rejected."""
    label_by_name: dict[str, str] = {}
    for label in map(str, labels.tolist()):
        other = label_by_name.setdefault(normalize_class_name("y_train", label), label)
        if other != label:
            raise DataError(
                f"y_train has the labels {other!a} and {label!a}, which differ only by Unicode form; expected one name"
                " per class. Pass unicodedata.normalize('NFC', label) for each label."
            )
    return tuple(label_by_name)


def _test(
    arrays: Mapping[str, ArrayLike], shape: tuple[int, ...], classes: NDArray[Any]
) -> tuple[Images, Labels]:
    images, test_labels = _pair(arrays, "test")
    if images.shape[1:] != shape:
        raise DataError(
            f"x_test has images of shape {images.shape[1:]}; expected {shape} as in x_train."
            " Resize all images to one size."
        )
    index = {name: label for label, name in enumerate(classes.tolist())}
    values = test_labels.tolist()
    if unknown := [value for value in values if value not in index]:
        raise DataError(
            f"y_test has the label {unknown[0]!r}; expected one of y_train's labels: {', '.join(map(str, index))}."
            " Add training images of that class, or remove its test images."
        )
    return _read_only(images, np.array([index[value] for value in values], np.int64))


def _read_only(images: Images, labels: Labels) -> tuple[Images, Labels]:
    for array in (images, labels):
        array.setflags(write=False)
    return images, labels
