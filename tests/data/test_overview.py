"""The summary of a data set."""

import json

import numpy as np

from optotype.data.overview import overview
from tests.checking.samples import textured


def test_overview_counts_each_class_and_split() -> None:
    """Training and validation images are counted per class, test images in total, and JSON contains all of it."""
    summary = overview(textured(10, validation=np.array([0, 1, 3])))
    assert [(counts.name, counts.train, counts.validation) for counts in summary.classes] == [
        ("round", 2, 2),
        ("flat", 2, 1),
        ("tall", 3, 0),
    ]
    json_data = json.loads(json.dumps(summary.to_json()))
    assert json_data["splits"] == {"train": 7, "validation": 3, "test": 30}
    assert json_data["image"] == {"height": 12, "width": 12, "channels": 1}
    assert json_data["files"] is None


def test_file_sizes_are_summarised_as_ranges() -> None:
    """If images have files, the summary contains the range of their sides."""
    json_data = overview(textured(3, sizes=np.array([(9, 300), (40, 20), (10, 10)], np.int32))).to_json()
    assert json_data["files"] == {"height": [9, 40], "width": [10, 300]}


def test_source_without_validation_has_null() -> None:
    """If the source sets no image aside, JSON has null instead of a number."""
    splits = overview(textured(10)).to_json()["splits"]
    assert splits == {"train": 10, "validation": None, "test": 30}
