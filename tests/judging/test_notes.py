"""The notes of a judgement."""

from pathlib import Path

from optotype.data.load import load
from optotype.judging.judge import judge
from optotype.judging.notes import notes_on_added_test_images
from optotype.reporting.facts import provenance
from optotype.reporting.model_card import render_card
from optotype.training.train import train
from tests.training.samples import pictures, recipe, write_folder, write_pictures


def test_added_test_images_are_listed(tmp_path: Path) -> None:
    """A note lists the file of a single added test image; other added images cause no note."""
    source = write_folder(tmp_path / "digits", 200, 60)
    added = write_pictures(tmp_path / "added", *pictures(20, 8))
    tests, labels = pictures(60, 2)
    assert notes_on_added_test_images(load(source), tests) == []
    assert notes_on_added_test_images(load(source, add=added), tests) == []
    write_pictures(added / "4", tests[4:5], labels[4:5])
    (note,) = notes_on_added_test_images(load(source, add=added), tests)
    assert note.startswith("1 added training image is an exact copy")
    assert note.endswith(f" {added}/4/4/0.png.")


def test_a_leak_by_added_images_is_diagnosed(tmp_path: Path) -> None:
    """Added test images are diagnosed as a leak; the facts, the model card and the run name the added images."""
    source = write_folder(tmp_path / "digits", 200, 60)
    tests, labels = pictures(60, 2)
    added = write_pictures(tmp_path / "added", tests[:12], labels[:12])
    run = train(load(source, add=added), recipe(), out=tmp_path / "run")
    judgement = judge(run)
    leak = next(each for each in judgement.diagnoses if each.kind == "leak")
    assert leak.evidence.startswith("12 of 60 images equal a training image in every pixel")
    assert f"12 of these training images were added from {tmp_path / 'added'}" in leak.evidence
    assert judgement.notes[0].startswith("12 added training images are exact copies")
    assert ("additional images", f"12 of these, from {added}") in provenance(judgement, run.model, run)
    assert "212 images, including validation images and 12 additional training images" in render_card(
        judgement, run.model
    )
    assert f"212 training images, including 12 additional from {added}" in run._repr_html_()
