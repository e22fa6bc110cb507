"""Likely label errors."""

from pathlib import Path

import numpy as np

from optotype.checking.label_errors import label_errors
from optotype.checking.quick_net import out_of_fold
from optotype.data.dataset import SealedTest
from optotype.data.sealed import open_test
from tests.checking.samples import textured, textures


def test_wrong_labels_are_found_and_named() -> None:
    """Of nine changed labels in 450 at least four are found and nothing else is; the message names the label."""
    labels = textured(450).labels.copy()
    wrong = np.arange(0, 450, 50)
    labels[wrong] = (labels[wrong] + 1) % 3
    data = textured(450, labels=labels)
    found = label_errors(data, out_of_fold(data, np.arange(450)), None)
    places = {finding.pictures[0].index for finding in found}
    assert places <= set(wrong.tolist())
    assert len(places) >= 4
    first = found[0]
    assert first.message.startswith(f"Labelled {first.pictures[0].label!r}")
    assert first.badness > 0.5


def test_a_suspect_test_image_is_named(tmp_path: Path) -> None:
    """A wrong label among the test images is named by its index and file, also behind a leaked one, left out."""
    images, labels = textures(30, 2)
    labels[[4, 9]] = (labels[[4, 9]] + 1) % 3
    test = SealedTest(30, lambda: (images, labels), tuple(f"{index}.png" for index in range(30)))
    data = textured(test=test)
    found = label_errors(data, out_of_fold(data, np.arange(300)), open_test(data, tmp_path), leaked=[4])
    (suspect,) = [each for finding in found for each in finding.pictures if each.split == "test"]
    assert (suspect.index, suspect.file) == (9, "9.png")
