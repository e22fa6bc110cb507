"""The scores that are functions of the confusion matrix, with intervals.

Values are scikit-learn's. The intervals come from confusion matrices drawn again, a thousand at a time, for which its
functions are too slow: their formulas are repeated here on stacks of matrices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.bootstrap import percentile_estimate, resampled_counts
from optotype.metrics.intervals import Estimate


@dataclass(frozen=True)
class ConfusionScores:
    """Means over the classes, and the F1 of each; a class that is neither a label nor predicted is in no mean.

    What is undefined counts as 0: the precision of a class that was never predicted, the recall of one that has no
    image.

    Attributes:
        precision: Mean precision.
        recall: Mean recall.
        f1: Mean F1.
        balanced_accuracy: Mean recall of the classes that have images.
        kappa: Cohen's; 0 where all labels and predictions are one class, so that chance is always right.
        class_f1: F1 of each class; None where its precision or recall is undefined.

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
    """Count images by label and predicted class.

    Args:
        labels: Integers of shape (n,), each in 0 .. classes - 1.
        predicted: Likewise.
        classes: How many there are.

    Returns:
        int64 of shape (classes, classes): rows are labels.
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def confusion_scores(confusion: NDArray[np.int64]) -> ConfusionScores:
    """Score a confusion matrix of at least one image.

    Args:
        confusion: int64 of shape (classes, classes): rows are labels.
    """
    means, class_f1 = _values(confusion)
    drawn, drawn_f1 = _drawn(confusion)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    # F1 is lower on few images of a class than it would be on many, and once more so in resamples of these: by as much
    # as the resamples are below the value, on average (Efron and Tibshirani, chapter 10). Both are taken back.
    drawn["f1"] = np.clip(drawn["f1"] + 2 * (means["f1"] - drawn["f1"].mean()), 0, 1)
    estimates = {name: percentile_estimate(value, drawn[name]) for name, value in means.items()}
    return ConfusionScores(
        **estimates,
        class_f1=tuple(
            percentile_estimate(float(value), column) if known else None
            for value, column, known in zip(
                class_f1, drawn_f1.T, (support > 0) & (predicted > 0), strict=True
            )
        ),
    )


def _values(confusion: NDArray[np.int64]) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Ask scikit-learn: each cell is given once, weighing as much as it has images."""
    from sklearn.metrics import (  # noqa: PLC0415 - loaded only to judge
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


def _drawn(confusion: NDArray[np.int64]) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Score 1,000 resamples: each mean of shape (1000,), and the F1 of each class, of shape (1000, classes)."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - loaded only to judge

    rows, columns = np.nonzero(confusion)
    places = np.arange(len(rows))
    shape = (len(rows), len(confusion))
    to_rows, to_columns, to_hits = (
        csr_array((weight, (places, into)), shape=shape)
        for weight, into in (
            (np.ones(len(rows)), rows),
            (np.ones(len(rows)), columns),
            (1.0 * (rows == columns), rows),
        )
    )
    parts = [
        _scores_of(counts @ to_rows, counts @ to_columns, counts @ to_hits)
        for counts in resampled_counts(confusion[rows, columns])
    ]
    means = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    return means, np.concatenate([part[1] for part in parts])


def _scores_of(
    support: NDArray[np.float64], predicted: NDArray[np.float64], hits: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Score stacks of matrices by their sums of rows and of columns and their diagonals, each of shape (r, classes)."""
    n = support.sum(axis=1)
    used = np.count_nonzero(support + predicted, axis=1)
    recall = _share(hits, support)
    f1 = _share(2 * hits, support + predicted)
    chance = (support * predicted).sum(axis=1) / n**2
    means = {
        "precision": _share(hits, predicted).sum(axis=1) / used,
        "recall": recall.sum(axis=1) / used,
        "f1": f1.sum(axis=1) / used,
        "balanced_accuracy": recall.sum(axis=1) / np.count_nonzero(support, axis=1),
        "kappa": _share(hits.sum(axis=1) / n - chance, 1 - chance),
    }
    return means, f1


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
