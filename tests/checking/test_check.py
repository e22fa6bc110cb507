"""The whole examination."""

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
    """One fault of each kind in a set of 300 is found; the verdict says the grave ones first."""
    data = textured(skipped=(Skipped("bad.png", "it is cut short"),))
    tests, test_labels = textures(30, 2)
    copies = [data.images[0], np.rint(data.images[1] * 0.9).astype(np.uint8), data.images[2], tests[3]]
    labels = [*data.labels[:2], (data.labels[2] + 1) % 3, test_labels[3]]
    faulty = with_copies(data, np.stack(copies), np.array(labels))
    faulty.images[100] = 0
    faulty.labels[150] = (faulty.labels[150] + 1) % 3
    found = check(faulty, runs_root=tmp_path)
    assert [
        len(found.of(kind)) for kind in ("unreadable", "leak", "conflict", "duplicate", "near_duplicate")
    ] == [1] * 5
    assert any("among the leaked test images (1)" in note for note in found.notes)
    assert 100 in {finding.pictures[0].index for finding in found.of("brightness")}
    assert 150 in {finding.pictures[0].index for finding in found.of("label_error")}
    assert found.verdict.startswith(
        "To be mended first, in 304 training images and 30 test images: 1 unreadable file,"
    )
    assert found.of("imbalance") == ()
    kinds = [finding.kind for finding in found.findings]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert json.loads(json.dumps(found.to_json()))["verdict"] == found.verdict


def test_the_opening_is_counted(tmp_path: Path) -> None:
    """The test images are opened once, by the doctor, and the findings say which opening it was."""
    found = check(textured(120), runs_root=tmp_path)
    (line,) = (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["by"] == "doctor"
    assert (found.opening, found.test_images) == (1, 30)


def test_what_stays_sealed_is_not_opened(tmp_path: Path) -> None:
    """Asked not to, the doctor opens nothing, counts nothing, and says what it therefore did not look for."""
    found = check(textured(120), open_test=False, runs_root=tmp_path)
    assert not (tmp_path / LOG_NAME).exists()
    assert (found.opening, found.test_images) == (None, 0)
    assert "stayed sealed" in found.notes[0]


def test_a_set_too_small_to_learn_from_is_checked_all_the_same(tmp_path: Path) -> None:
    """Of forty images neither near duplicates nor label errors are looked for, and the notes say so."""
    data = textured(40)
    found = check(with_copies(data, data.images[:1], data.labels[:1]), runs_root=tmp_path)
    assert [finding.kind for finding in found.findings] == ["duplicate"]
    assert len(found.notes) == 2
    assert found.net_accuracy is None


def test_a_test_split_that_cannot_be_counted_stays_closed(tmp_path: Path) -> None:
    """Where the opening cannot be written down, the check ends with an error."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunError, match="stays sealed"):
        check(textured(40), runs_root=blocked)


def test_large_images_are_checked(tmp_path: Path) -> None:
    """Copies among images of 66 x 40 pixels in colour are found, though they are compared at a smaller size."""
    images, labels = textures(120, 1, side=24, channels=3)
    large = images.repeat(3, axis=1)[:, :66].repeat(2, axis=2)[:, :, :40]
    large[119] = np.rint(large[0] * 0.9)
    labels[119] = labels[0]
    test = textured().test
    data = textured(120, images=large, labels=labels, test=test)
    found = check(data, open_test=False, runs_root=tmp_path)
    (finding,) = found.of("near_duplicate")
    assert [picture.index for picture in finding.pictures] == [0, 119]


def test_a_net_that_knows_nothing_doubts_no_label(tmp_path: Path) -> None:
    """Where labels have nothing to do with the images none is called wrong, and a note says why."""
    labels = np.random.default_rng(0).integers(0, 3, 150)
    found = check(textured(150, labels=labels), open_test=False, runs_root=tmp_path)
    assert found.of("label_error") == ()
    assert any("too few to doubt a label by" in note for note in found.notes)
