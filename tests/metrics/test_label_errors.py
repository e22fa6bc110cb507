"""Labels that are most likely wrong."""

import numpy as np

from optotype.metrics.label_errors import find_label_errors


def test_sure_and_right_predictions_leave_nothing() -> None:
    """Where every label is the most probable class by far, nothing is suspected, also of a class with one image."""
    labels = np.array([0] * 10 + [1] * 10 + [2])
    probabilities = np.eye(3)[labels] * 0.9 + 0.1 / 3
    assert find_label_errors(labels, probabilities).tolist() == []
