"""Which classes are taken for which."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optotype.reporting.confusion import Confusion, most_confused, most_frequent, neighbours, rates

TABLE = [[90, 0, 10, 0], [0, 80, 0, 20], [5, 0, 95, 0], [1, 30, 0, 69]]


def test_confused_classes_are_neighbours() -> None:
    """Classes 0 and 2, and 1 and 3, which are taken for one another, stand side by side."""
    order = neighbours(TABLE).tolist()
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


@given(arrays(np.int64, st.integers(1, 8).map(lambda n: (n, n)), elements=st.integers(0, 50)))
def test_every_class_has_one_place(table: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
    """The order is a permutation whatever was confused, nothing and classes without images included."""
    order = neighbours(table.tolist())
    assert sorted(order.tolist()) == list(range(len(table)))
    assert np.isfinite(rates(table.tolist())).all()


def test_the_most_frequent_come_first() -> None:
    """Confusions are listed by count, then by rate, with the images that are labelled so; what is right is none."""
    assert most_frequent(TABLE, 2) == [Confusion(3, 1, 30, 100), Confusion(1, 3, 20, 100)]
    assert len(most_frequent(TABLE, 99)) == 5
    assert most_frequent([[1, 0], [0, 1]], 5) == []
    assert Confusion(3, 1, 30, 120).rate == 0.25


def test_the_classes_with_most_mistakes_are_chosen() -> None:
    """Both sides of a mistake count; the chosen ones stay in the order of the classes."""
    assert most_confused(TABLE, 2).tolist() == [1, 3]
