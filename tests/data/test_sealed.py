"""Opening of the sealed test split, and the log of openings."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optotype.data.dataset import Dataset, SealedTest, fingerprint
from optotype.data.load import load
from optotype.data.openings import LOG_NAME, Opening, read_openings
from optotype.data.sealed import open_test
from optotype.errors import DataError, RunError


def _dataset(pixel: int = 0) -> Dataset:
    images, labels = np.full((3, 2, 2, 1), pixel, np.uint8), np.arange(3)
    return Dataset(
        "tiny", images, labels, ("a", "b", "c"), "", "tiny", SealedTest(3, lambda: (images, labels))
    )


def _log(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / LOG_NAME).read_text().splitlines()]


def test_mnist_test_split_opens(tmp_path: Path) -> None:
    """MNIST's test split is returned with its fingerprint, read-only, and its first opening has number 1."""
    data = load("mnist")
    opened = open_test(data, tmp_path / "runs")
    assert opened.images.shape == (10_000, 28, 28, 1)
    assert opened.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert not opened.images.flags.writeable
    assert opened.fingerprint == data.test.fingerprint == fingerprint(opened.images, opened.labels)
    short = opened.fingerprint.removeprefix("sha256:")[:6]
    assert repr(opened) == f"opening 1 of test set {short}…, n = 10,000"


def test_openings_are_counted_for_each_test_set(tmp_path: Path) -> None:
    """Openings are counted by content: another test set starts at 1, the same one under another name continues."""
    assert [open_test(_dataset(), tmp_path).opening for _ in range(3)] == [1, 2, 3]
    assert open_test(_dataset(pixel=1), tmp_path).opening == 1
    assert open_test(replace(_dataset(), name="other"), tmp_path).opening == 4
    assert open_test(_dataset(), tmp_path / "elsewhere").opening == 1


def test_reading_the_log_records_no_opening(tmp_path: Path) -> None:
    """The openings of a test set are read from the log, which does not change; without a log there are none."""
    fingerprint = _dataset().test.fingerprint
    assert read_openings(fingerprint, tmp_path) == ()
    open_test(_dataset(), tmp_path, by="me")
    open_test(_dataset(pixel=1), tmp_path, by="you")
    opened = open_test(_dataset(), tmp_path, by="them")
    assert read_openings(fingerprint, tmp_path) == opened.openings
    assert [opening.by for opening in opened.openings] == ["me", "them"]
    assert isinstance(opened.openings[0], Opening)
    assert len(_log(tmp_path)) == 3


def test_opening_is_logged_with_time_and_program(tmp_path: Path) -> None:
    """A line of the log has the time (with its time zone), the test set and the program."""
    opened = open_test(_dataset(), tmp_path, by='judge\n"x"')
    (entry,) = _log(tmp_path)
    assert datetime.fromisoformat(entry.pop("time")).utcoffset() is not None
    assert entry == {"fingerprint": opened.fingerprint, "by": 'judge\n"x"'}


def test_every_opening_of_a_test_set_is_listed(tmp_path: Path) -> None:
    """Openings of other test sets are left out, the latest is last, and a line without a program counts."""
    open_test(_dataset(), tmp_path, by="judge a")
    open_test(_dataset(pixel=1), tmp_path, by="judge b")
    with (tmp_path / LOG_NAME).open("a") as file:
        file.write(json.dumps({"fingerprint": _dataset().test.fingerprint}) + "\n")
    opened = open_test(_dataset(), tmp_path, by="judge c")
    assert [opening.by for opening in opened.openings] == ["judge a", "", "judge c"]
    assert opened.openings[-1].time == _log(tmp_path)[-1]["time"]


def test_changed_test_split_stays_sealed(tmp_path: Path) -> None:
    """A test split whose files changed after loading is rejected and not counted."""
    labels = np.arange(3)
    contents = iter([np.zeros((3, 2, 2, 1), np.uint8), np.ones((3, 2, 2, 1), np.uint8)])
    data = replace(_dataset(), test=SealedTest(3, lambda: (next(contents), labels)))
    with pytest.raises(DataError, match="Load the data set again"):
        open_test(data, tmp_path)
    assert not (tmp_path / LOG_NAME).exists()


def test_opening_that_cannot_be_logged_returns_no_images(tmp_path: Path) -> None:
    """If the opening cannot be logged, the split stays sealed."""
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(RunError, match=LOG_NAME):
        open_test(_dataset(), tmp_path / "runs")
