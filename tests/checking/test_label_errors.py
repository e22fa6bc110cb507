"""Likely label errors."""

from pathlib import Path

import numpy as np

from optotype.checking.cross_validation import cross_validate
from optotype.checking.label_errors import label_errors
from optotype.data.dataset import SealedTest
from optotype.data.sealed import open_test
from tests.checking.samples import textured, textures


def test_wrong_labels_are_found_and_named() -> None:
    """Of nine changed labels in 450 at least four are found, and no others; the message names the label."""
    labels = textured(450).labels.copy()
    wrong = np.arange(0, 450, 50)
    labels[wrong] = (labels[wrong] + 1) % 3
    data = textured(450, labels=labels)
    findings = label_errors(data, cross_validate(data, np.arange(450)), None)
    indices = {finding.pictures[0].index for finding in findings}
    assert indices <= set(wrong.tolist())
    assert len(indices) >= 4
    first = findings[0]
    assert first.message.startswith(f"Labelled {first.pictures[0].label!r}")
    assert first.score > 0.5


def test_a_test_image_with_a_wrong_label_is_found(tmp_path: Path) -> None:
    """A wrong label among the test images is found with its index and file; a leaked test image is left out."""
    images, labels = textures(30, 2)
    labels[[4, 9]] = (labels[[4, 9]] + 1) % 3
    test = SealedTest(30, lambda: (images, labels), tuple(f"{index}.png" for index in range(30)))
    data = textured(test=test)
    findings = label_errors(data, cross_validate(data, np.arange(300)), open_test(data, tmp_path), leaked=[4])
    (suspect,) = [picture for finding in findings for picture in finding.pictures if picture.split == "test"]
    assert (suspect.index, suspect.file) == (9, "9.png")
