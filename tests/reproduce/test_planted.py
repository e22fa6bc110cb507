"""Planting faults, and scoring the findings."""

from pathlib import Path

import numpy as np

import optotype as ot
from optotype.checking.examples import of_training
from optotype.checking.findings import Finding, Findings
from reproduce.doctor import recall_by_alteration, score_kinds
from reproduce.examination import faults_section
from reproduce.planted import ALTERATIONS, PlantedFaults, plant
from tests.checking.samples import textured

PER_KIND = 10


def _planted(folder: Path) -> PlantedFaults:
    data = textured()
    return plant(data, ot.open_test(data, folder), PER_KIND)


def test_each_kind_is_planted_into_different_images(tmp_path: Path) -> None:
    """Each kind has the requested number of faults, all in different images, and the data set stays valid."""
    planted = _planted(tmp_path)
    all_faults = np.concatenate(list(planted.faults.values()))
    assert len(set(all_faults.tolist())) == len(all_faults) == 6 * PER_KIND
    assert len(planted.data.images) == len(planted.data.labels) == 300 + 4 * PER_KIND
    assert set(planted.data.labels.tolist()) == {0, 1, 2}
    changed = np.flatnonzero(planted.data.labels[:300] != textured().labels)
    assert changed.tolist() == sorted(planted.faults["label_error"].tolist())
    assert sorted(planted.alterations) == planted.faults["near_duplicate"].tolist()
    assert set(planted.alterations.values()) == set(ALTERATIONS)


def test_recall_and_precision_are_computed(tmp_path: Path) -> None:
    """Recall is the share of the faults that are found, precision the share of findings that name a fault."""
    planted = _planted(tmp_path)
    faulty = planted.faults["brightness"].tolist()
    correct = planted.faults["duplicate"].tolist()[0]
    findings = tuple(
        Finding("brightness", "Odd.", 1.0, (of_training(planted.data, index),))
        for index in [*faulty[:4], correct]
    )
    scores = score_kinds(Findings("some", "sha256:0", 340, 0, None, None, findings, (), 1.0), planted)
    assert (scores["brightness"].recall, scores["brightness"].precision) == (0.4, 0.8)
    assert (scores["leak"].recall, scores["leak"].found) == (0, 0)


def test_near_duplicates_are_counted_by_alteration(tmp_path: Path) -> None:
    """The recall of near duplicates is computed for each alteration."""
    planted = _planted(tmp_path)
    first = next(iter(planted.alterations))
    findings = (Finding("near_duplicate", "Alike.", 1.0, (of_training(planted.data, first),)),)
    recalls = recall_by_alteration(
        Findings("some", "sha256:0", 340, 0, None, None, findings, (), 1.0), planted
    )
    assert recalls == {name: (0.5 if name == planted.alterations[first] else 0) for name in ALTERATIONS}


def test_section_without_results_has_the_command(tmp_path: Path) -> None:
    """Without results the section names the command."""
    assert faults_section(tmp_path) == ["None yet: `.venv/bin/python -m reproduce.doctor`."]
