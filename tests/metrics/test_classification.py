"""Scores of logits, compared with SciPy and with formulas."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import special

from optotype.errors import DataError
from optotype.metrics import accuracy, log_loss, log_loss_per_image, ranks, softmax

_LOGITS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 5)),
    elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False),
)


def _labels(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.arange(len(logits), dtype=np.int64) % np.int64(logits.shape[1])


@given(_LOGITS)
def test_softmax_agrees_with_scipy(logits: NDArray[np.float32]) -> None:
    """Softmax equals SciPy's in float64, and each row adds up to 1."""
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(
        probabilities, special.softmax(logits.astype(np.float64), axis=1), rtol=1e-9, atol=1e-300
    )
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)


def test_softmax_of_the_largest_floats() -> None:
    """The largest float32 logits neither overflow nor give NaN."""
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(
        softmax(np.array([[largest, -largest], [largest, largest]], np.float32)), [[1, 0], [0.5, 0.5]]
    )


@given(_LOGITS)
def test_log_loss_agrees_with_scipy(logits: NDArray[np.float32]) -> None:
    """The log loss equals the mean of SciPy's -log_softmax at the labels."""
    labels = _labels(logits)
    expected = -special.log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels].mean()
    assert log_loss(logits, labels) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_log_loss_of_a_guess() -> None:
    """Equal logits of ten classes have a log loss of log(10) nats."""
    assert log_loss(np.zeros((4, 10), np.float32), np.arange(4)) == pytest.approx(math.log(10))


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    """A probability below the smallest float has a finite log loss."""
    assert log_loss(np.array([[0.0, 5000.0]]), np.array([0])) == pytest.approx(5000)


def test_log_loss_of_nan() -> None:
    """A NaN among the logits gives a log loss of NaN."""
    assert math.isnan(log_loss(np.array([[np.nan, 0.0], [1.0, 2.0]]), np.array([0, 1])))


def test_accuracy() -> None:
    """The largest logit is the prediction; of equal ones the first."""
    logits = np.array([[1, 2], [2, 1], [1, 1], [1, 1]], np.float32)
    assert accuracy(logits, np.array([1, 0, 0, 1])) == 0.75


@pytest.mark.parametrize("score", [accuracy, log_loss])
@pytest.mark.parametrize(
    ("shape", "labels", "message"),
    [
        ((2, 3), [0, 3], "Label 3 at index 1"),
        ((2, 3), [-1, 0], "Label -1 at index 0"),
        ((2, 3), [0], r"labels \(1,\)"),
        ((0, 3), [], "at least one image"),
        ((3,), [0, 1, 2], r"shape \(3,\)"),
    ],
)
def test_mismatched_arguments(
    score: Callable[..., float], shape: tuple[int, ...], labels: list[int], message: str
) -> None:
    """Labels without a logit, different numbers and no images raise a DataError."""
    with pytest.raises(DataError, match=message):
        score(np.zeros(shape), np.array(labels, np.int64))


def test_ranks() -> None:
    """Rank 0 is a correct prediction, and ties are broken as in accuracy: top-3 accuracy is never lower."""
    logits = np.array(
        [[3.0, 1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 5.0, 5.0, 9.0]]
    )
    labels = np.array([2, 0, 3, 2])
    assert ranks(logits, labels).tolist() == [1, 0, 3, 2]
    assert accuracy(logits, labels) == np.mean(ranks(logits, labels) == 0)


def test_log_loss_per_image() -> None:
    """The log loss of an image is -log of its label's probability, and their mean is the log loss."""
    logits, labels = np.array([[0.0, 1.0], [2.0, 2.0]]), np.array([1, 0])
    expected = -np.log(softmax(logits)[[0, 1], labels])
    np.testing.assert_allclose(log_loss_per_image(logits, labels), expected)
    assert log_loss(logits, labels) == pytest.approx(expected.mean())
