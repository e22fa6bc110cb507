"""Scores of the confusion matrix, compared with scikit-learn's on the images, and undefined scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, precision_recall_fscore_support

from optotype.metrics.confusion import _compute_scores, _score_stacks, confusion_matrix, confusion_scores

Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


@st.composite
def _pairs(draw: st.DrawFn) -> Pair:
    """Draw labels and predictions of up to six classes; any class may be missing from either."""
    classes = draw(st.integers(2, 6))
    pair = st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1))
    pairs = np.array(draw(st.lists(pair, min_size=1, max_size=30)), np.int64)
    return pairs[:, 0], pairs[:, 1]


@given(_pairs())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")  # balanced accuracy handles them
def test_values_equal_scikit_learns(pair: Pair) -> None:
    """Means over the classes equal scikit-learn's, whichever classes are missing."""
    labels, predicted = pair
    scores = confusion_scores(confusion_matrix(labels, predicted, 6))
    expected = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    assert (scores.precision.value, scores.recall.value, scores.f1.value) == pytest.approx(expected[:3])
    if len({*labels, *predicted}) > 1:
        assert scores.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(labels, predicted))
        assert scores.kappa.value == pytest.approx(cohen_kappa_score(labels, predicted))


@given(_pairs())
def test_scores_of_stacks(pair: Pair) -> None:
    """The formulas for stacks of matrices equal scikit-learn's scores of one matrix."""
    confusion = confusion_matrix(*pair, 6)
    sums = (confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal())
    means, f1 = _score_stacks(*(np.array([values, values], np.float64) for values in sums))
    expected, expected_f1 = _compute_scores(confusion)
    for name, value in expected.items():
        np.testing.assert_allclose(means[name], [value, value], atol=1e-12)
    np.testing.assert_allclose(f1, [expected_f1, expected_f1], atol=1e-12)


@given(_pairs())
def test_intervals(pair: Pair) -> None:
    """Every interval contains its value; proportions are in 0 .. 1, kappa in -1 .. 1."""
    scores = confusion_scores(confusion_matrix(*pair, 6))
    proportions = [scores.precision, scores.recall, scores.f1, scores.balanced_accuracy]
    for estimate in (*proportions, *(f1 for f1 in scores.class_f1 if f1)):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert -1 <= scores.kappa.low <= scores.kappa.value <= scores.kappa.high <= 1


def test_undefined_f1() -> None:
    """A class without predictions or without images has no F1, and counts as 0 in the mean."""
    scores = confusion_scores(np.array([[3, 0, 1], [2, 0, 0], [0, 0, 0]]))
    assert [f1 is None for f1 in scores.class_f1] == [False, True, True]
    assert scores.f1.value == pytest.approx(2 * 3 / (4 + 5) / 3)
    assert scores.recall.value == pytest.approx(0.75 / 3)
    assert scores.balanced_accuracy.value == pytest.approx(0.75 / 2)


def test_kappa_of_one_class() -> None:
    """Kappa is 0 if all labels and predictions are of one class, because chance is always right."""
    scores = confusion_scores(np.array([[5, 0], [0, 0]]))
    assert (scores.kappa.value, scores.kappa.low, scores.kappa.high) == (0, 0, 0)
    assert scores.f1.value == 1


def test_one_image() -> None:
    """The intervals of a single image have no width."""
    scores = confusion_scores(np.array([[0, 1], [0, 0]]))
    assert (scores.f1.value, scores.f1.low, scores.f1.high) == (0, 0, 0)


def test_coverage_of_macro_f1() -> None:
    """At least 35 of 40 simulated intervals contain the true F1, with 5 images of each of 100 classes."""
    random = np.random.default_rng(0)
    cells = np.full((100, 100), 0.1 / 99) + np.eye(100) * (0.9 - 0.1 / 99)
    matrices = random.multinomial(500, cells.ravel() / 100, 40).reshape(-1, 100, 100)
    intervals = [confusion_scores(matrix).f1 for matrix in matrices]
    assert sum(interval.low <= 0.9 <= interval.high for interval in intervals) >= 35


def test_thousand_classes() -> None:
    """1,000 classes are scored; empty cells need neither time nor memory."""
    labels = np.arange(20_000) % 1000
    predicted = np.where(np.random.default_rng(0).random(20_000) < 0.1, (labels * 7) % 1000, labels)
    scores = confusion_scores(confusion_matrix(labels, predicted, 1000))
    assert scores.f1.low < scores.f1.value < scores.f1.high
    assert scores.recall.value == pytest.approx(np.mean(labels == predicted))
