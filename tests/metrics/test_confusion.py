"""Scores of the confusion matrix, against scikit-learn's on the images themselves; and what is undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, precision_recall_fscore_support

from optotype.metrics.confusion import _scores_of, _values, confusion_matrix, confusion_scores

Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


@st.composite
def _pairs(draw: st.DrawFn) -> Pair:
    """Draw labels and predictions of up to six classes, any of which may be missing from either."""
    classes = draw(st.integers(2, 6))
    each = st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1))
    drawn = np.array(draw(st.lists(each, min_size=1, max_size=30)), np.int64)
    return drawn[:, 0], drawn[:, 1]


@given(_pairs())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")  # what balanced accuracy is for
def test_values_are_those_of_scikit_learn(pair: Pair) -> None:
    """Means over the classes are scikit-learn's defaults, and per class too, whichever classes are missing."""
    labels, predicted = pair
    scores = confusion_scores(confusion_matrix(labels, predicted, 6))
    theirs = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    assert (scores.precision.value, scores.recall.value, scores.f1.value) == pytest.approx(theirs[:3])
    if len({*labels, *predicted}) > 1:
        assert scores.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(labels, predicted))
        assert scores.kappa.value == pytest.approx(cohen_kappa_score(labels, predicted))


@given(_pairs())
def test_resamples_are_scored_like_the_images(pair: Pair) -> None:
    """The formulas for stacks of matrices give what scikit-learn gives for one."""
    confusion = confusion_matrix(*pair, 6)
    sums = (confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal())
    means, f1 = _scores_of(*(np.array([each, each], np.float64) for each in sums))
    expected, expected_f1 = _values(confusion)
    for name, value in expected.items():
        np.testing.assert_allclose(means[name], [value, value], atol=1e-12)
    np.testing.assert_allclose(f1, [expected_f1, expected_f1], atol=1e-12)


@given(_pairs())
def test_intervals_hold_their_values_and_stay_in_range(pair: Pair) -> None:
    """Every number lies in its interval; shares lie in 0 .. 1, kappa in -1 .. 1."""
    scores = confusion_scores(confusion_matrix(*pair, 6))
    shares = [scores.precision, scores.recall, scores.f1, scores.balanced_accuracy]
    for each in (*shares, *(f1 for f1 in scores.class_f1 if f1)):
        assert 0 <= each.low <= each.value <= each.high <= 1
    assert -1 <= scores.kappa.low <= scores.kappa.value <= scores.kappa.high <= 1


def test_a_class_without_images_or_predictions_has_no_f1() -> None:
    """Of three classes one was never predicted and one has no image: neither has an F1, and both count as 0."""
    scores = confusion_scores(np.array([[3, 0, 1], [2, 0, 0], [0, 0, 0]]))
    assert [each is None for each in scores.class_f1] == [False, True, True]
    assert scores.f1.value == pytest.approx(2 * 3 / (4 + 5) / 3)
    assert scores.recall.value == pytest.approx(0.75 / 3)
    assert scores.balanced_accuracy.value == pytest.approx(0.75 / 2)


def test_where_all_is_one_class_kappa_is_zero() -> None:
    """Chance is always right there, so there is nothing beyond it."""
    scores = confusion_scores(np.array([[5, 0], [0, 0]]))
    assert (scores.kappa.value, scores.kappa.low, scores.kappa.high) == (0, 0, 0)
    assert scores.f1.value == 1


def test_one_image_has_intervals_that_are_points() -> None:
    """There is nothing else to draw."""
    scores = confusion_scores(np.array([[0, 1], [0, 0]]))
    assert (scores.f1.value, scores.f1.low, scores.f1.high) == (0, 0, 0)


def test_the_interval_of_macro_f1_holds_the_truth_with_few_images_of_many_classes() -> None:
    """Of 40 simulated sets of 5 images of each of 100 classes, on which F1 is biased, as many as chance allows."""
    random = np.random.default_rng(0)
    cells = np.full((100, 100), 0.1 / 99) + np.eye(100) * (0.9 - 0.1 / 99)
    drawn = random.multinomial(500, cells.ravel() / 100, 40).reshape(-1, 100, 100)
    intervals = [confusion_scores(each).f1 for each in drawn]
    assert sum(each.low <= 0.9 <= each.high for each in intervals) >= 35


def test_a_thousand_classes_are_scored() -> None:
    """Most cells are empty, and cost neither time nor memory."""
    labels = np.arange(20_000) % 1000
    predicted = np.where(np.random.default_rng(0).random(20_000) < 0.1, (labels * 7) % 1000, labels)
    scores = confusion_scores(confusion_matrix(labels, predicted, 1000))
    assert scores.f1.low < scores.f1.value < scores.f1.high
    assert scores.recall.value == pytest.approx(np.mean(labels == predicted))
