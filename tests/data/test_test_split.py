"""The sealed test set of sources without a test split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.data.test_split import split_off_test
from optotype.errors import DataError


@given(st.lists(st.integers(0, 4), min_size=3, max_size=100).map(np.array))
def test_fifth_of_every_class_becomes_the_test_split(labels: np.ndarray) -> None:
    """The parts are disjoint and complete, each class keeps training images and gives about a fifth of them."""
    if len(labels) == len(np.unique(labels)):
        return
    train, test = split_off_test(labels)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert len(test) >= 1
    assert set(labels[train]) == set(labels)
    for label in set(labels):
        size = int((labels == label).sum())
        assert abs(int((labels[test] == label).sum()) - size / 5) < 2 or size < 5


def test_test_split_is_pinned() -> None:
    """The test split of fixed labels is pinned: another choice would be another test set."""
    train, test = split_off_test(np.repeat([0, 1], 15))
    assert test.tolist() == [4, 5, 8, 15, 22, 29]
    assert len(train) == 24
    assert not train.flags.writeable
    assert not test.flags.writeable


@pytest.mark.parametrize("labels", [[], [0], [0, 1, 2]])
def test_too_few_images_are_rejected(labels: list[int]) -> None:
    """If no class has an image to spare, an error is raised."""
    with pytest.raises(DataError, match=f"There are {len(labels)} images and no test split"):
        split_off_test(np.array(labels, np.int64))
