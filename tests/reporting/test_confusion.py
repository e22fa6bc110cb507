"""The order of classes in a confusion matrix, and its most frequent confusions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optotype.reporting.confusion import Confusion, cluster_order, most_confused, most_frequent, rates

COUNTS = [[90, 0, 10, 0], [0, 80, 0, 20], [5, 0, 95, 0], [1, 30, 0, 69]]


def test_confused_classes_are_neighbours() -> None:
    """Classes 0 and 2 are confused, and so are 1 and 3: each pair is adjacent."""
    order = cluster_order(COUNTS).tolist()
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


@given(arrays(np.int64, st.integers(1, 8).map(lambda n: (n, n)), elements=st.integers(0, 50)))
def test_every_class_has_one_position(counts: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
    """The order is a permutation for any counts, including no confusions and classes without images."""
    order = cluster_order(counts.tolist())
    assert sorted(order.tolist()) == list(range(len(counts)))
    assert np.isfinite(rates(counts.tolist())).all()


def test_the_most_frequent_confusions_come_first() -> None:
    """Confusions are sorted by count, then by rate, and have the number of images with that label."""
    assert most_frequent(COUNTS, 2) == [Confusion(3, 1, 30, 100), Confusion(1, 3, 20, 100)]
    assert len(most_frequent(COUNTS, 99)) == 5
    assert most_frequent([[1, 0], [0, 1]], 5) == []
    assert Confusion(3, 1, 30, 120).rate == 0.25


def test_the_classes_with_the_most_errors_are_chosen() -> None:
    """Errors count for the label and the prediction; the chosen classes keep their order."""
    assert most_confused(COUNTS, 2).tolist() == [1, 3]
