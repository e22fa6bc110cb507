"""Likely label errors: labels that a net which never saw the image contradicts, by confident learning."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from optotype.checking.examples import of_test, of_training
from optotype.checking.findings import Finding, Picture
from optotype.checking.quick_net import OutOfFold
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.metrics.label_errors import find_label_errors


def label_errors(
    data: Dataset, nets: OutOfFold, opened: OpenedTest | None, leaked: Collection[int] = ()
) -> list[Finding]:
    """List the labels that are most likely wrong, among training and test images together.

    Args:
        data: The data set.
        nets: What nets say that were not trained on the images.
        opened: The test split, unsealed; None to look at the training images only.
        leaked: Indices of the test images to leave out, since the nets were trained on copies of them.
    """
    labels, probabilities = data.labels, nets.probabilities
    tests = np.empty(0, np.int64)
    if opened is not None:
        tests = np.setdiff1d(np.arange(len(opened.labels)), list(leaked))
        labels = np.concatenate([labels, opened.labels[tests]])
        probabilities = np.concatenate([probabilities, nets.of_others(opened.images[tests])])
    found = []
    for index in find_label_errors(labels, probabilities).tolist():
        if opened is None or index < len(data.labels):
            picture = of_training(data, index)
        else:
            picture = of_test(data, opened, int(tests[index - len(data.labels)]))
        found.append(_finding(data, picture, probabilities[index], int(labels[index])))
    return found


def _finding(data: Dataset, picture: Picture, probabilities: NDArray[np.float64], label: int) -> Finding:
    guess = int(probabilities.argmax())
    given = float(probabilities[label])
    said = (
        f"Labelled {data.class_names[label]!r} ({given:.1%} for a net that never saw it), which says"
        f" {data.class_names[guess]!r} ({probabilities[guess]:.1%})."
    )
    return Finding("label_error", said, 1 - given, (picture,))
