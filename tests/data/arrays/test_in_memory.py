"""Arrays and data frames in memory as data sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optotype.data.arrays.in_memory import load_arrays
from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from optotype.data.test_split import split_off_test
from optotype.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (20, 4, 4), np.uint8)
Y = np.arange(20) % 2
ARRAYS: dict[str, Any] = {"x_train": X, "y_train": Y, "x_test": X[:5], "y_test": Y[:5]}


class _Frame:
    """The part of a data frame that is used."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, key: Any, /) -> Any:
        return (
            np.stack([self._columns[column] for column in key], 1)
            if isinstance(key, list)
            else self._columns[key]
        )


def _frame(labels: Any, **other_columns: Any) -> _Frame:
    return _Frame(
        {"label": labels}
        | {f"pixel{i}": X.reshape(20, 16)[:, i].astype(int) for i in range(16)}
        | other_columns
    )


def _have_equal_fingerprints(a: Dataset, b: Dataset) -> bool:
    return (a.fingerprint, a.test.fingerprint) == (b.fingerprint, b.test.fingerprint)


def test_all_forms_of_a_test_split_give_the_same_data_set() -> None:
    """A mapping, and the tuples that Keras's load_data returns, with labels in one dimension or two."""
    data = load_arrays(ARRAYS)
    assert _have_equal_fingerprints(data, load_arrays(((X, Y), (X[:5], Y[:5]))))
    assert _have_equal_fingerprints(data, load_arrays(((X, Y[:, np.newaxis]), (X[:5], Y[:5, np.newaxis]))))
    assert _have_equal_fingerprints(data, load_arrays({key: ARRAYS[key] for key in reversed(ARRAYS)}))
    np.testing.assert_array_equal(data.images[..., 0], X)
    np.testing.assert_array_equal(data.labels, Y)
    assert (data.name, data.source, data.licence) == ("arrays", "arrays", "not stated")
    assert (data.class_names, data.shape, data.test.n) == (("0", "1"), (4, 4, 1), 5)
    assert data.labels.dtype == np.int64


@pytest.mark.parametrize(
    "make_source",
    [
        lambda: (X, Y),
        lambda: [X, Y.tolist()],
        lambda: {"x_train": X, "y_train": Y},
        lambda: (X.reshape(20, 16), Y.astype(np.uint8)),
        lambda: (X.astype(np.float32) / 255, Y),
        lambda: _frame(Y),
    ],
)
def test_source_without_test_split_seals_a_fifth(make_source: Callable[[], Any], tmp_path: Path) -> None:
    """For every form of arrays, the same fifth of every class becomes the test set."""
    data = load_arrays(make_source())
    train, test = split_off_test(Y)
    np.testing.assert_array_equal(data.images[..., 0], X[train])
    np.testing.assert_array_equal(data.labels, Y[train])
    opened = open_test(data, tmp_path)
    np.testing.assert_array_equal(opened.images[..., 0], X[test])
    np.testing.assert_array_equal(opened.labels, Y[test])
    for array in (data.images, data.labels, opened.images, opened.labels):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("labels", "class_names"),
    [
        (np.array(["dog", "cat"])[Y], ("cat", "dog")),
        ([["dog", "cat"][y] for y in Y], ("cat", "dog")),
        (np.array(["dog", "cat"], object)[Y], ("cat", "dog")),
        (np.array([10, 9])[Y], ("9", "10")),
        (np.array([10, 9])[Y][:, np.newaxis], ("9", "10")),
        (np.array([5, -5], np.int8)[Y], ("-5", "5")),
        (np.array(["e\u0301", "a"])[Y], ("a", "\u00e9")),
        (np.array(["a", "A"])[Y], ("A", "a")),
    ],
)
def test_class_names_are_the_sorted_labels(labels: Any, class_names: tuple[str, ...], tmp_path: Path) -> None:
    """Strings are sorted as strings and integers as integers, and test labels have the numbers of training labels."""
    data = load_arrays({"x_train": X, "y_train": labels, "x_test": X[:2], "y_test": labels[:2]})
    assert data.class_names == class_names
    np.testing.assert_array_equal(data.labels, 1 - Y)
    assert open_test(data, tmp_path).labels.tolist() == [1, 0]


def test_later_changes_to_the_arrays_have_no_effect(tmp_path: Path) -> None:
    """Changes to the caller's arrays after loading change neither the images nor the sealed test set."""
    arrays = {key: value.copy() for key, value in ARRAYS.items()}
    data = load_arrays(arrays)
    for array in arrays.values():
        array[:] = 0
    np.testing.assert_array_equal(data.images[..., 0], X)
    np.testing.assert_array_equal(open_test(data, tmp_path).labels, Y[:5])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (5, "cannot be created from int; expected a name, a path, arrays"),
        (None, "cannot be created from NoneType"),
        (X, "cannot be created from ndarray"),
        ((X, Y, X), "cannot be created from tuple"),
        ({}, "The arrays have the names \\(none\\); expected x_train and y_train"),
        ({"x": X, "y": Y}, "The arrays have the names x, y"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "have the names x_train, y_train, x_test; expected"),
        (ARRAYS | {"x_val": X}, "x_val"),
        ((X, Y[:-1]), "x_train contains 20 images and y_train contains 19 labels"),
        ((X, Y.astype(float)), r"y_train has dtype float64 and shape \(20,\); expected integers or strings"),
        ((X, np.eye(2)[Y]), r"Pass np\.argmax\(y, axis=1\)"),
        ((X, [None] * 20), "y_train has dtype object"),
        ((X, [b"a", b"b"] * 10), "y_train has dtype"),
        (
            (X, ["a", "\x1b[31m"] * 10),
            r"y_train has a class named '\\x1b\[31m'; expected printable characters",
        ),
        ((X, ["a", " "] * 10), "y_train has a class named ' '"),
        ((X, ["\u00e9", "e\u0301"] * 10), r"'e\\u0301' and '\\xe9', which differ only by Unicode form"),
        ((X, Y * 0), "All 20 training images have the class 0"),
        ((X, [[1], [2, 3]]), "y_train is not an array"),
        ((X[:2], Y[:2]), "There are 2 images and no test split"),
        ((X.astype(int), Y), "x_train has dtype int64"),
        (ARRAYS | {"y_test": Y[:5] + 1}, "y_test has the label 2; expected one of y_train's labels: 0, 1"),
        (ARRAYS | {"y_test": ["0"] * 5}, "y_test has the label '0'"),
        (ARRAYS | {"x_test": X[:5, :3]}, r"x_test has images of shape \(3, 4, 1\); expected \(4, 4, 1\)"),
        (ARRAYS | {"x_test": X[:0], "y_test": Y[:0]}, "x_test contains 0 images"),
        (_Frame({"pixel0": Y}), "The data frame has 0 columns 'label' among 1"),
        (
            _frame(Y, id=np.arange(20) + 1000),
            "The data frame's pixels range from 0 to 1019; expected 0 to 255",
        ),
        (_frame(Y, id=-np.arange(20)), "The data frame's pixels range from -19"),
        (_frame(Y, id=Y), r"x_train has shape \(20, 17\)"),
        (_frame(Y, pixel0=Y * 0.5), "x_train has dtype float64"),
    ],
)
def test_invalid_sources_raise_data_error(source: Any, message: str) -> None:
    """Invalid arrays are rejected with their name, their fault and the expected form."""
    with pytest.raises(DataError, match=message):
        load_arrays(source)
