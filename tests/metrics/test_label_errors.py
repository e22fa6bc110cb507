"""Label errors."""

import numpy as np

from optotype.metrics.label_errors import find_label_errors


def test_no_label_errors() -> None:
    """If every label is by far the most probable class, no label is an error, also in a class with one image."""
    labels = np.array([0] * 10 + [1] * 10 + [2])
    probabilities = np.eye(3)[labels] * 0.9 + 0.1 / 3
    assert find_label_errors(labels, probabilities).tolist() == []
