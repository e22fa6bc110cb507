"""Label errors: labels that are likely wrong according to networks that were not trained on the images."""

import numpy as np
from numpy.typing import NDArray


def find_label_errors(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the labels that are most likely wrong.

    Their number is estimated by confident learning (Northcutt, Jiang, Chuang: Confident Learning: Estimating
    Uncertainty in Dataset Labels, Journal of Artificial Intelligence Research 70, 2021), as implemented by cleanlab.
    The labels with the lowest probability are chosen.

    Args:
        labels: int64 of shape (n,).
        probabilities: float64 of shape (n, classes), from networks that were not trained on the images.

    Returns:
        Indices, int64 of shape (m,), the most likely error first.
    """
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - imports pandas and scikit-learn

    indices = find_label_issues(
        labels,
        probabilities,
        filter_by="low_self_confidence",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return np.asarray(indices, np.int64)
