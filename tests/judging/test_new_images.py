"""Judging a model on labelled images that are not from its data set."""

import json
import re
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
from optotype.judging.judgement_formats import read_judgement
from optotype.runs.predictions import read_predictions
from optotype.runs.run import Run
from optotype.training.train import train
from tests.training.samples import dataset, pictures, recipe, write_folder

LOG = "test-openings.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Train on a folder of 200 images."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    return train(data, recipe(epochs=2, optimizer=Adam(0.003)), out=tmp_path / "runs" / "run")


def _new_data(n: int = 90, seed: int = 9, names: tuple[str, ...] = tuple("0123456789")) -> Dataset:
    images, labels = pictures(n, seed)
    return load((images, np.array(names)[labels]))


def test_all_images_are_scored_as_new_and_the_run_is_unchanged(run: Run) -> None:
    """Training and test images form one split; nothing is written to the run folder, and one opening is counted."""
    before = judge(run)
    data = _new_data()
    judgement = judge(run, data=data)
    assert judgement.on == "new"
    assert list(judgement.splits) == ["new"]
    assert (judgement.score.n, len(data.labels), data.test.n) == (90, 72, 18)
    assert judgement.score.accuracy.value > 0.9
    assert (judgement.opening, judgement.test_fingerprint) == (1, data.test.fingerprint)
    assert judgement.openings[0].by == "judge run on new images"
    assert judgement.baselines == ()
    assert run.judgement is not None
    assert read_judgement(run.judgement) == before
    assert sorted(path.stem for path in (run.path / "predictions").iterdir()) == [
        "test",
        "train",
        "validation",
    ]


def test_the_evidence_has_images_and_predictions(run: Run) -> None:
    """The evidence contains every image with the model's logits for it."""
    evidence = judge(run, data=_new_data()).evidence
    assert evidence is not None
    predictions, images = evidence.predictions["new"], evidence.images["new"]
    np.testing.assert_array_equal(run.model.logits(images[predictions.indices]), predictions.logits)
    assert evidence.files["new"] is None


def test_a_subset_of_the_classes_is_matched_by_name(run: Run) -> None:
    """Two classes in any order are matched to the model's by name; the others have no images, which a note lists."""
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
    assert "0, 1, 2, 4, 5 and 3 more" in notes


def test_unknown_classes_raise_an_error(run: Run) -> None:
    """The error names the unknown classes with the closest known ones; nothing is opened."""
    data = _new_data(names=(*"012345678", "Nine"))
    with pytest.raises(
        DataError, match=r"classes that the model does not know: 'Nine'; expected .* '0', '1'"
    ):
        judge(run, data=data)
    near = replace(dataset(classes=("a", *"123456789")), class_names=("0 ", *"123456789"))
    with pytest.raises(DataError, match=r"'0 ' \(.* '0'\)"):
        judge(run, data=near)
    assert not (run.path.parent / LOG).exists()


@pytest.mark.parametrize("shape", [(14, 28, 1), (28, 28, 3)])
def test_images_of_another_shape_raise_an_error(run: Run, shape: tuple[int, int, int]) -> None:
    """The error names the expected shape; nothing is opened."""
    data = load((np.zeros((40, *shape), np.uint8), np.arange(40) % 10))
    with pytest.raises(DataError, match="expected 28 x 28 pixels in grey"):
        judge(run, data=data)
    assert not (run.path.parent / LOG).exists()


def test_colour_files_are_converted_for_a_model_of_grey_images(run: Run, tmp_path: Path) -> None:
    """The same images in grey or RGB files get the same score; a note says that the RGB files were converted."""
    images, labels = pictures(60, 9)
    for mode in ("L", "RGB"):
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            (tmp_path / mode / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).convert(mode).save(tmp_path / mode / str(label) / f"{index}.png")
    grey, colour = (judge(run, data=load(tmp_path / mode)) for mode in ("L", "RGB"))
    assert grey.score == colour.score
    assert colour.notes[1:] == grey.notes
    assert "converted from colour to grey" in colour.notes[0]


def test_copies_of_training_images_are_counted(run: Run) -> None:
    """A note counts the new images that are copies of training images."""
    images, labels = pictures(80, 9)
    known = load(run.source).images[:7]
    judgement = judge(run, data=load((np.concatenate([images, known]), np.append(labels, np.arange(7)))))
    assert judgement.notes[0].startswith("7 of the 87 images are exact copies of images of digits")
    assert not any("copies" in note for note in judge(run, data=_new_data()).notes)


def test_missing_training_images_are_noted(run: Run, tmp_path: Path) -> None:
    """New images are judged without the training images, with a note that copies were not looked for."""
    (tmp_path / "digits").rename(tmp_path / "moved")
    judgement = judge(run, data=_new_data())
    assert judgement.notes[0].startswith("The images could not be checked for copies")


def test_a_judgement_is_written_to_a_folder(run: Run, tmp_path: Path) -> None:
    """The folder contains the judgement and the predictions, and is marked as optotype's; a run folder is refused."""
    judgement = judge(run, data=_new_data())
    write_judgement(judgement, tmp_path / "a" / "b")
    saved = json.loads((tmp_path / "a" / "b" / "judgement.json").read_bytes())
    assert read_judgement(saved) == judgement
    predictions = read_predictions(tmp_path / "a" / "b" / "predictions" / "new.safetensors")
    assert len(predictions.labels) == 90
    assert (tmp_path / "a" / "b" / ".optotype").exists()
    with pytest.raises(RunError, match=re.escape(str(run.path))):
        write_judgement(judgement, run.path)
    assert run.judgement is None
    read = read_judgement(saved)
    assert (read.evidence, dict(read.predictions)) == (None, {})
