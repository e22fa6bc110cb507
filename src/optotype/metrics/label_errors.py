"""Which labels are most likely wrong, by what nets say that never saw the images."""

import numpy as np
from numpy.typing import NDArray


def most_likely_wrong(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the labels that are most likely wrong.

    How many are wrong is estimated by confident learning (Northcutt, Jiang, Chuang: Confident Learning: Estimating
    Uncertainty in Dataset Labels, Journal of Artificial Intelligence Research 70, 2021), as cleanlab does it; which
    ones, by the probability of the given label.

    Args:
        labels: int64 of shape (n,).
        probabilities: float64 of shape (n, classes), from nets that were not trained on the images.

    Returns:
        Indices, int64 of shape (m,), the most likely error first.
    """
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - pandas and scikit-learn, only when needed

    found = find_label_issues(
        labels,
        probabilities,
        filter_by="low_self_confidence",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return np.asarray(found, np.int64)
