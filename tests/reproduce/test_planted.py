"""Planting faults, and counting what was found of them."""

from pathlib import Path

import numpy as np

import optotype as ot
from optotype.checking.examples import of_training
from optotype.checking.findings import Finding, Findings
from reproduce.doctor import by_way, scores
from reproduce.examination import faults_section
from reproduce.planted import WAYS, Planted, plant
from tests.checking.samples import textured

EACH = 10


def _planted(folder: Path) -> Planted:
    data = textured()
    return plant(data, ot.open_test(data, folder), EACH)


def test_each_kind_is_planted_into_images_of_its_own(tmp_path: Path) -> None:
    """There are as many faults of each kind as were asked for, in different images, and the data set is still one."""
    planted = _planted(tmp_path)
    everywhere = np.concatenate(list(planted.faults.values()))
    assert len(set(everywhere.tolist())) == len(everywhere) == 6 * EACH
    assert len(planted.data.images) == len(planted.data.labels) == 300 + 4 * EACH
    assert set(planted.data.labels.tolist()) == {0, 1, 2}
    changed = np.flatnonzero(planted.data.labels[:300] != textured().labels)
    assert changed.tolist() == sorted(planted.faults["label_error"].tolist())
    assert sorted(planted.ways) == planted.faults["near_duplicate"].tolist()
    assert set(planted.ways.values()) == set(WAYS)


def test_scores_count_what_was_found(tmp_path: Path) -> None:
    """Recall is the share of the faults that were named, precision that of the findings that name one."""
    planted = _planted(tmp_path)
    faulty = planted.faults["brightness"].tolist()
    sound = planted.faults["duplicate"].tolist()[0]
    found = tuple(
        Finding("brightness", "Odd.", 1.0, (of_training(planted.data, index),))
        for index in [*faulty[:4], sound]
    )
    scored = scores(Findings("some", "sha256:0", 340, 0, None, None, found, (), 1.0), planted)
    assert (scored["brightness"].recall, scored["brightness"].precision) == (0.4, 0.8)
    assert (scored["leak"].recall, scored["leak"].found) == (0, 0)


def test_near_duplicates_are_counted_by_way(tmp_path: Path) -> None:
    """The recall of near duplicates is told for each way in which they were altered."""
    planted = _planted(tmp_path)
    first = next(iter(planted.ways))
    found = (Finding("near_duplicate", "Alike.", 1.0, (of_training(planted.data, first),)),)
    shares = by_way(Findings("some", "sha256:0", 340, 0, None, None, found, (), 1.0), planted)
    assert shares == {way: (0.5 if way == planted.ways[first] else 0) for way in WAYS}


def test_the_page_says_how_to_examine_where_nothing_was(tmp_path: Path) -> None:
    """Without results the section names the command."""
    assert faults_section(tmp_path) == ["None yet: `.venv/bin/python -m reproduce.doctor`."]
