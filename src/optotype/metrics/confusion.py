"""Scores of a confusion matrix: precision, recall, F1, balanced accuracy and Cohen's kappa, with intervals.

The values are scikit-learn's. The intervals come from a thousand resampled confusion matrices, for which scikit-learn's
functions are too slow: their formulas are repeated here on stacks of matrices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.bootstrap import percentile_estimate, resampled_counts
from optotype.metrics.intervals import Estimate


@dataclass(frozen=True)
class ConfusionScores:
    """Means over the classes, and the F1 of each class; a class without labels and predictions is left out of means.

    Undefined values count as 0: the precision of a class that was never predicted, and the recall of a class without
    images.

    Attributes:
        precision: Mean precision.
        recall: Mean recall.
        f1: Mean F1.
        balanced_accuracy: Mean recall of the classes that have images.
        kappa: Cohen's kappa; 0 if all labels and predictions are of one class, so that chance is always right.
        class_f1: F1 of each class; None if its precision or recall is undefined.

    Source of kappa: J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement
    20 (1960), 37-46.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate
    balanced_accuracy: Estimate
    kappa: Estimate
    class_f1: tuple[Estimate | None, ...]


def confusion_matrix(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Count images by true and predicted class.

    Args:
        labels: True classes, integers of shape (n,), each in 0 .. classes - 1.
        predicted: Predicted classes, of the same shape and range.
        classes: Number of classes.

    Returns:
        int64 of shape (classes, classes): one row per true class.
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def confusion_scores(confusion: NDArray[np.int64]) -> ConfusionScores:
    """Compute the scores of a confusion matrix of at least one image.

    Args:
        confusion: int64 of shape (classes, classes): one row per true class.
    """
    means, class_f1 = _compute_scores(confusion)
    resampled, resampled_f1 = _resample_scores(confusion)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    # F1 of a class with few images is biased downwards, and resamples of these images are biased once more, by as much
    # as they lie below the value on average (Efron and Tibshirani, chapter 10). Both biases are corrected.
    resampled["f1"] = np.clip(resampled["f1"] + 2 * (means["f1"] - resampled["f1"].mean()), 0, 1)
    estimates = {name: percentile_estimate(value, resampled[name]) for name, value in means.items()}
    is_defined = (support > 0) & (predicted > 0)
    return ConfusionScores(
        **estimates,
        class_f1=tuple(
            percentile_estimate(float(value), column) if defined else None
            for value, column, defined in zip(class_f1, resampled_f1.T, is_defined, strict=True)
        ),
    )


def _compute_scores(confusion: NDArray[np.int64]) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Compute the scores with scikit-learn: each cell is one sample whose weight is its number of images."""
    from sklearn.metrics import (  # noqa: PLC0415 - only judging needs it
        cohen_kappa_score,
        precision_recall_fscore_support,
    )

    rows, columns = np.nonzero(confusion)
    counts = confusion[rows, columns]
    precision, recall, f1, support = precision_recall_fscore_support(
        rows, columns, labels=np.arange(len(confusion)), sample_weight=counts, zero_division=0
    )
    used = np.union1d(rows, columns)
    means = {
        "precision": precision[used].mean(),
        "recall": recall[used].mean(),
        "f1": f1[used].mean(),
        "balanced_accuracy": recall[support > 0].mean(),
        "kappa": cohen_kappa_score(rows, columns, sample_weight=counts) if len(used) > 1 else 0.0,
    }
    return {name: float(value) for name, value in means.items()}, f1


def _resample_scores(
    confusion: NDArray[np.int64],
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Score 1,000 resamples: each mean of shape (1000,), and the F1 of each class, of shape (1000, classes)."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - only judging needs it

    rows, columns = np.nonzero(confusion)
    cells = np.arange(len(rows))
    shape = (len(rows), len(confusion))
    ones = np.ones(len(rows))
    # Products with these matrices add up cells by row, by column, and on the diagonal.
    row_sums, column_sums, diagonal = (
        csr_array((weights, (cells, classes)), shape=shape)
        for weights, classes in ((ones, rows), (ones, columns), (1.0 * (rows == columns), rows))
    )
    chunks = [
        _score_stacks(counts @ row_sums, counts @ column_sums, counts @ diagonal)
        for counts in resampled_counts(confusion[rows, columns])
    ]
    names = chunks[0][0]
    means = {name: np.concatenate([chunk_means[name] for chunk_means, _ in chunks]) for name in names}
    return means, np.concatenate([class_f1 for _, class_f1 in chunks])


def _score_stacks(
    support: NDArray[np.float64], predicted: NDArray[np.float64], correct: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Score stacks of matrices by their row sums, column sums and diagonals, each of shape (resamples, classes)."""
    n = support.sum(axis=1)
    used = np.count_nonzero(support + predicted, axis=1)
    recall = _divide(correct, support)
    f1 = _divide(2 * correct, support + predicted)
    chance = (support * predicted).sum(axis=1) / n**2
    means = {
        "precision": _divide(correct, predicted).sum(axis=1) / used,
        "recall": recall.sum(axis=1) / used,
        "f1": f1.sum(axis=1) / used,
        "balanced_accuracy": recall.sum(axis=1) / np.count_nonzero(support, axis=1),
        "kappa": _divide(correct.sum(axis=1) / n - chance, 1 - chance),
    }
    return means, f1


def _divide(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; 0 if the denominator is not positive."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
