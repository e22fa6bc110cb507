"""The summary of a data set."""

import json

import numpy as np

from optotype.data.overview import overview
from tests.checking.samples import textured


def test_an_overview_counts_each_class_and_split() -> None:
    """Training and validation images are counted per class, test images in total, and JSON contains all of it."""
    seen = overview(textured(10, validation=np.array([0, 1, 3])))
    assert [(each.name, each.train, each.validation) for each in seen.classes] == [
        ("round", 2, 2),
        ("flat", 2, 1),
        ("tall", 3, 0),
    ]
    told = json.loads(json.dumps(seen.to_json()))
    assert told["splits"] == {"train": 7, "validation": 3, "test": 30}
    assert told["image"] == {"height": 12, "width": 12, "channels": 1}
    assert told["files"] is None


def test_sides_are_those_of_the_files() -> None:
    """If images have files, the summary contains the range of their sides."""
    told = overview(textured(3, sizes=np.array([(9, 300), (40, 20), (10, 10)], np.int32))).to_json()
    assert told["files"] == {"height": [9, 40], "width": [10, 300]}


def test_no_validation_of_its_own_is_null() -> None:
    """If the source sets no image aside, JSON has null instead of a number."""
    splits = overview(textured(10)).to_json()["splits"]
    assert splits == {"train": 10, "validation": None, "test": 30}
