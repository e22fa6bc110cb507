"""A model judged on labelled pictures that its training did not know of."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.engine.optimizers import Adam
from optotype.errors import DataError, RunError
from optotype.judging.judge import judge, write_judgement
from optotype.judging.judgement import read_judgement
from optotype.runs.predictions import read_predictions
from optotype.runs.run import Run
from optotype.training.train import train
from tests.training.samples import dataset, pictures, recipe, write_folder

LOG = "test-openings.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Train on a folder of 200 pictures."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    return train(data, recipe(epochs=2, optimizer=Adam(0.003)), out=tmp_path / "runs" / "run")


def _new(n: int = 90, seed: int = 9, names: tuple[str, ...] = tuple("0123456789")) -> Dataset:
    images, labels = pictures(n, seed)
    return load((images, np.array(names)[labels]))


def test_all_images_are_scored_as_new_and_the_run_stays_as_it_was(run: Run) -> None:
    """Training and test images of the source are one split; nothing is written into the run, one opening is counted."""
    before = judge(run)
    data = _new()
    judgement = judge(run, data=data)
    assert judgement.on == "new"
    assert list(judgement.splits) == ["new"]
    assert (judgement.score.n, len(data.labels), data.test.n) == (90, 72, 18)
    assert judgement.score.accuracy.value > 0.9
    assert (judgement.opening, judgement.test_fingerprint) == (1, data.test.fingerprint)
    assert judgement.openings[0].by == "judge run on new pictures"
    assert judgement.baselines == ()
    assert run.judgement is not None
    assert read_judgement(run.judgement) == before
    assert sorted(each.stem for each in (run.path / "predictions").iterdir()) == [
        "test",
        "train",
        "validation",
    ]


def test_what_was_judged_can_be_looked_at(run: Run) -> None:
    """The evidence holds every image with what the model said of it."""
    evidence = judge(run, data=_new()).evidence
    assert evidence is not None
    said, images = evidence.predictions["new"], evidence.images["new"]
    np.testing.assert_array_equal(run.model.logits(images[said.indices]), said.logits)
    assert evidence.files["new"] is None


def test_some_of_the_classes_are_matched_by_name(run: Run) -> None:
    """Pictures of two classes, whatever their order there, are scored as those of the model; the others are missing."""
    images, labels = pictures(200, 5)
    chosen = np.isin(labels, (3, 8))
    data = replace(load((images[chosen], labels[chosen])), class_names=("3", "8"))
    swapped = replace(data, class_names=("8", "3"))
    score = judge(run, data=data).score
    assert score.accuracy.value > 0.9
    assert [each.n for each in score.classes] == [0, 0, 0, 20, 0, 0, 0, 0, 20, 0]
    assert [each.recall is None for each in score.classes].count(True) == 8
    assert judge(run, data=swapped).score.accuracy.value < 0.1
    notes = " ".join(judge(run, data=data).notes)
    assert "No image shows 0, 1, 2, 4, 5 and 3 more: nothing is known of these classes." in notes


def test_classes_that_the_model_does_not_know_are_refused(run: Run) -> None:
    """The unknown names are told with the nearest known ones, before anything is opened."""
    data = _new(names=(*"012345678", "Nine"))
    with pytest.raises(
        DataError, match=r"classes that the model does not know: 'Nine'; expected some of '0', '1'"
    ):
        judge(run, data=data)
    near = replace(dataset(classes=("a", *"123456789")), class_names=("0 ", *"123456789"))
    with pytest.raises(DataError, match=r"'0 ' \(the nearest is '0'\)"):
        judge(run, data=near)
    assert not (run.path.parent / LOG).exists()


@pytest.mark.parametrize("shape", [(14, 28, 1), (28, 28, 3)])
def test_images_of_another_shape_are_refused(run: Run, shape: tuple[int, int, int]) -> None:
    """Both shapes are named, and nothing is opened."""
    data = load((np.zeros((40, *shape), np.uint8), np.arange(40) % 10))
    with pytest.raises(DataError, match=r"expected 28 x 28 pixels in grey as the model was trained on"):
        judge(run, data=data)
    assert not (run.path.parent / LOG).exists()


def test_coloured_files_are_made_grey_for_a_model_of_grey_images(run: Run, tmp_path: Path) -> None:
    """The same pictures in files, grey or RGB, get the same score; that they were converted is said of the latter."""
    images, labels = pictures(60, 9)
    for mode in ("L", "RGB"):
        for place, (image, label) in enumerate(zip(images, labels, strict=True)):
            (tmp_path / mode / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).convert(mode).save(tmp_path / mode / str(label) / f"{place}.png")
    grey, coloured = (judge(run, data=load(tmp_path / mode)) for mode in ("L", "RGB"))
    assert grey.score == coloured.score
    said = "The pictures are in colour, those that the model was trained on grey: they were converted for it."
    assert coloured.notes == (said, *grey.notes)


def test_copies_of_training_images_are_counted(run: Run) -> None:
    """Of new pictures of which some were trained on it is said how many."""
    images, labels = pictures(80, 9)
    known = load(run.source).images[:7]
    judgement = judge(run, data=load((np.concatenate([images, known]), np.append(labels, np.arange(7)))))
    assert judgement.notes[0].startswith("7 of the 87 images are exact copies of images of digits")
    assert not any("copies" in note for note in judge(run, data=_new()).notes)


def test_where_the_training_images_are_gone_that_is_said(run: Run, tmp_path: Path) -> None:
    """New pictures are judged without them, with a note."""
    (tmp_path / "digits").rename(tmp_path / "moved")
    judgement = judge(run, data=_new())
    assert judgement.notes[0].startswith("Whether some of them were trained on could not be looked up.")


def test_a_judgement_is_written_where_it_is_wanted(run: Run, tmp_path: Path) -> None:
    """A folder takes the judgement and what the model said, and is marked as optotype's own."""
    judgement = judge(run, data=_new())
    write_judgement(judgement, tmp_path / "a" / "b")
    kept = json.loads((tmp_path / "a" / "b" / "judgement.json").read_bytes())
    assert read_judgement(kept) == judgement
    said = read_predictions(tmp_path / "a" / "b" / "predictions" / "new.safetensors")
    assert len(said.labels) == 90
    assert (tmp_path / "a" / "b" / ".optotype").exists()
    with pytest.raises(RunError, match="is a run folder; expected a separate folder"):
        write_judgement(judgement, run.path)
    assert run.judgement is None
    read = read_judgement(kept)
    assert (read.evidence, dict(read.predictions)) == (None, {})
