"""The whole check."""

import json
from pathlib import Path

import numpy as np
import pytest

from optotype.checking.check import check
from optotype.checking.findings import KINDS
from optotype.data.dataset import Skipped
from optotype.data.openings import LOG_NAME
from optotype.errors import RunError
from tests.checking.samples import textured, textures, with_copies


def test_every_kind_of_fault_is_found(tmp_path: Path) -> None:
    """One fault of each kind in a set of 300 is found; the verdict lists severe kinds first."""
    data = textured(skipped=(Skipped("bad.png", "it is cut short"),))
    tests, test_labels = textures(30, 2)
    copies = [data.images[0], np.rint(data.images[1] * 0.9).astype(np.uint8), data.images[2], tests[3]]
    labels = [*data.labels[:2], (data.labels[2] + 1) % 3, test_labels[3]]
    faulty = with_copies(data, np.stack(copies), np.array(labels))
    faulty.images[100] = 0
    faulty.labels[150] = (faulty.labels[150] + 1) % 3
    findings = check(faulty, runs_root=tmp_path)
    assert [
        len(findings.of(kind)) for kind in ("unreadable", "leak", "conflict", "duplicate", "near_duplicate")
    ] == [1] * 5
    assert any("leaked test images (1)" in note for note in findings.notes)
    assert 100 in {finding.pictures[0].index for finding in findings.of("brightness")}
    assert 150 in {finding.pictures[0].index for finding in findings.of("label_error")}
    assert findings.verdict.startswith(
        "Fix first in 304 training images and 30 test images: 1 unreadable file,"
    )
    assert findings.of("imbalance") == ()
    kinds = [finding.kind for finding in findings.findings]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert json.loads(json.dumps(findings.to_json()))["verdict"] == findings.verdict


def test_the_opening_is_counted(tmp_path: Path) -> None:
    """The test images are opened once, by the doctor, and the findings have the number of the opening."""
    findings = check(textured(120), runs_root=tmp_path)
    (line,) = (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["by"] == "doctor"
    assert (findings.opening, findings.test_images) == (1, 30)


def test_a_sealed_test_set_is_not_opened(tmp_path: Path) -> None:
    """With open_test=False the doctor opens and counts nothing, and a note lists the skipped checks."""
    findings = check(textured(120), open_test=False, runs_root=tmp_path)
    assert not (tmp_path / LOG_NAME).exists()
    assert (findings.opening, findings.test_images) == (None, 0)
    assert "stayed sealed" in findings.notes[0]


def test_a_small_set_is_checked_without_training(tmp_path: Path) -> None:
    """With forty images the checks for near duplicates and label errors are skipped, each with a note."""
    data = textured(40)
    findings = check(with_copies(data, data.images[:1], data.labels[:1]), runs_root=tmp_path)
    assert [finding.kind for finding in findings.findings] == ["duplicate"]
    assert len(findings.notes) == 2
    assert findings.probe_accuracy is None


def test_a_test_split_whose_opening_cannot_be_recorded_stays_closed(tmp_path: Path) -> None:
    """If the opening cannot be recorded, the check raises an error."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunError, match="stays sealed"):
        check(textured(40), runs_root=blocked)


def test_large_images_are_checked(tmp_path: Path) -> None:
    """Copies among colour images of 66 x 40 pixels are found, although they are compared at a smaller size."""
    images, labels = textures(120, 1, side=24, channels=3)
    large = images.repeat(3, axis=1)[:, :66].repeat(2, axis=2)[:, :, :40]
    large[119] = np.rint(large[0] * 0.9)
    labels[119] = labels[0]
    test = textured().test
    data = textured(120, images=large, labels=labels, test=test)
    findings = check(data, open_test=False, runs_root=tmp_path)
    (finding,) = findings.of("near_duplicate")
    assert [picture.index for picture in finding.pictures] == [0, 119]


def test_a_probe_network_near_chance_finds_no_label_errors(tmp_path: Path) -> None:
    """With random labels no label error is reported, and a note gives the reason."""
    labels = np.random.default_rng(0).integers(0, 3, 150)
    findings = check(textured(150, labels=labels), open_test=False, runs_root=tmp_path)
    assert findings.of("label_error") == ()
    assert any("check for label errors was skipped" in note for note in findings.notes)
