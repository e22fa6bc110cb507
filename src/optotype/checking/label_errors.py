"""Likely label errors: labels that contradict networks which were not trained on the image, by confident learning."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from optotype.checking.cross_validation import CrossValidation
from optotype.checking.examples import of_test, of_training
from optotype.checking.findings import Finding, Picture
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.metrics.label_errors import find_label_errors


def label_errors(
    data: Dataset, probe: CrossValidation, opened: OpenedTest | None, leaked: Collection[int] = ()
) -> list[Finding]:
    """List the labels that are most likely wrong, among training and test images together.

    Args:
        data: The data set.
        probe: Predictions by networks that were not trained on the images.
        opened: The opened test split; None to check only the training images.
        leaked: Indices of test images to leave out, because the networks were trained on copies of them.
    """
    labels, probabilities = data.labels, probe.probabilities
    test_rows = np.empty(0, np.int64)
    if opened is not None:
        test_rows = np.setdiff1d(np.arange(len(opened.labels)), list(leaked))
        labels = np.concatenate([labels, opened.labels[test_rows]])
        probabilities = np.concatenate([probabilities, probe.predict_proba(opened.images[test_rows])])
    findings = []
    for index in find_label_errors(labels, probabilities).tolist():
        if opened is None or index < len(data.labels):
            picture = of_training(data, index)
        else:
            picture = of_test(data, opened, int(test_rows[index - len(data.labels)]))
        findings.append(_finding(data, picture, probabilities[index], int(labels[index])))
    return findings


def _finding(data: Dataset, picture: Picture, probabilities: NDArray[np.float64], label: int) -> Finding:
    prediction = int(probabilities.argmax())
    label_probability = float(probabilities[label])
    message = (
        f"Labelled {data.class_names[label]!r}, but a network that was not trained on it predicts"
        f" {data.class_names[prediction]!r} ({probabilities[prediction]:.1%}; label {label_probability:.1%})."
    )
    return Finding("label_error", message, 1 - label_probability, (picture,))
