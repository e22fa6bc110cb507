"""Scores of logits, against SciPy and the plain formulas."""

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
    """Softmax is SciPy's, in float64, and each row sums to 1."""
    ours = softmax(logits)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(
        ours, special.softmax(logits.astype(np.float64), axis=1), rtol=1e-9, atol=1e-300
    )
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-12)


def test_softmax_survives_the_largest_floats() -> None:
    """Logits at the ends of float32 neither overflow nor turn into NaN."""
    top = np.finfo(np.float32).max
    np.testing.assert_array_equal(
        softmax(np.array([[top, -top], [top, top]], np.float32)), [[1, 0], [0.5, 0.5]]
    )


@given(_LOGITS)
def test_log_loss_agrees_with_scipy(logits: NDArray[np.float32]) -> None:
    """The log loss is the mean of SciPy's -log_softmax at the labels."""
    labels = _labels(logits)
    theirs = -special.log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels].mean()
    assert log_loss(logits, labels) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_log_loss_of_a_guess() -> None:
    """Equal logits for ten classes cost log(10) nats."""
    assert log_loss(np.zeros((4, 10), np.float32), np.arange(4)) == pytest.approx(math.log(10))


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    """A probability too small for a float costs its logarithm, not infinity."""
    assert log_loss(np.array([[0.0, 5000.0]]), np.array([0])) == pytest.approx(5000)


def test_log_loss_shows_a_nan() -> None:
    """A NaN among the logits gives NaN, not a number that looks right."""
    assert math.isnan(log_loss(np.array([[np.nan, 0.0], [1.0, 2.0]]), np.array([0, 1])))


def test_accuracy_counts_the_largest_logit() -> None:
    """The largest logit decides; of equal ones the first."""
    logits = np.array([[1, 2], [2, 1], [1, 1], [1, 1]], np.float32)
    assert accuracy(logits, np.array([1, 0, 0, 1])) == 0.75


@pytest.mark.parametrize("score", [accuracy, log_loss])
@pytest.mark.parametrize(
    ("shape", "labels", "words"),
    [
        ((2, 3), [0, 3], "Label 3 at index 1"),
        ((2, 3), [-1, 0], "Label -1 at index 0"),
        ((2, 3), [0], r"labels of shape \(1,\)"),
        ((0, 3), [], "at least one image"),
        ((3,), [0, 1, 2], r"logits of shape \(3,\)"),
    ],
)
def test_scores_refuse_what_does_not_match(
    score: Callable[..., float], shape: tuple[int, ...], labels: list[int], words: str
) -> None:
    """Labels without a logit, unequal numbers and no images at all are refused."""
    with pytest.raises(DataError, match=words):
        score(np.zeros(shape), np.array(labels, np.int64))


def test_the_rank_of_a_label_agrees_with_accuracy_and_breaks_ties_alike() -> None:
    """Rank 0 is right; of equal logits the first class comes first, so the top three never hold less than the top."""
    logits = np.array(
        [[3.0, 1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 5.0, 5.0, 9.0]]
    )
    labels = np.array([2, 0, 3, 2])
    assert ranks(logits, labels).tolist() == [1, 0, 3, 2]
    assert accuracy(logits, labels) == np.mean(ranks(logits, labels) == 0)


def test_the_losses_have_the_log_loss_as_mean() -> None:
    """Each image's loss is -log of its label's probability."""
    logits, labels = np.array([[0.0, 1.0], [2.0, 2.0]]), np.array([1, 0])
    expected = -np.log(softmax(logits)[[0, 1], labels])
    np.testing.assert_allclose(log_loss_per_image(logits, labels), expected)
    assert log_loss(logits, labels) == pytest.approx(expected.mean())
