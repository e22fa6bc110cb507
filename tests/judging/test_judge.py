"""Judging: the scores, the errors, and that no error opens the test set."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Dataset, Options
from optotype.data.load import load
from optotype.engine.optimizers import Adam
from optotype.errors import DataError, ModelError, RunError
from optotype.judging.judge import judge
from optotype.judging.judgement_formats import read_judgement
from optotype.judging.scores import score
from optotype.metrics import accuracy, log_loss, proportion
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.runs import origin
from optotype.runs.run import Run
from optotype.training.loop import Progress
from optotype.training.train import train
from tests.training.samples import pictures, recipe, write_folder, write_idx, write_pictures

LOG = "test-openings.jsonl"


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write a folder of 200 training and 60 test images."""
    return write_folder(tmp_path / "digits", 200, 60)


def _run(digits: Path, name: str = "run", validation: int = 50) -> Run:
    two_epochs = recipe(epochs=2, optimizer=Adam(0.003), validation=validation)
    return train(load(digits), two_epochs, out=digits.parent / "runs" / name)


def _count_openings(digits: Path) -> int:
    log = digits.parent / "runs" / LOG
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_the_scores_are_those_of_the_model_on_each_split(digits: Path) -> None:
    """Loss, accuracy and Wilson interval equal the metrics of training, validation and test images."""
    run = _run(digits)
    judgement = judge(run)
    data = load(digits)
    sets = {
        "train": (data.images[run.split.train], data.labels[run.split.train]),
        "validation": (data.images[run.split.validation], data.labels[run.split.validation]),
        "test": pictures(60, 2),
    }
    assert list(judgement.splits) == list(sets)
    for name, (images, labels) in sets.items():
        logits = run.model.logits(images)
        share = accuracy(logits, labels)
        split_score = judgement.splits[name]
        assert split_score is not None
        assert split_score.n == len(labels)
        assert split_score.accuracy == proportion(round(share * len(labels)), len(labels))
        assert split_score.log_loss.value == pytest.approx(log_loss(logits, labels))
    assert judgement.score == judgement.splits["test"]
    assert judgement.score.accuracy.value > 0.5


def test_two_judgements_differ_only_in_their_openings(digits: Path) -> None:
    """The bootstrap is seeded, so its intervals are reproducible."""
    run = _run(digits)
    first, second = judge(run), judge(run)
    assert replace(second, openings=first.openings) == first
    assert second.openings[:1] == first.openings


def test_every_score_can_be_computed_from_the_saved_predictions(digits: Path) -> None:
    """The run folder contains the predictions of every split, and they give the same scores."""
    run = _run(digits)
    judgement = judge(run)
    assert judgement.evidence is not None
    for name, split_score in judgement.splits.items():
        predictions = Run.open(run.path).predictions(name)
        assert predictions is not None
        assert score(predictions, run.model.class_names) == split_score
        images = judgement.evidence.images[name][predictions.indices]
        np.testing.assert_array_equal(run.model.logits(images), predictions.logits)


def test_a_judgement_is_saved_in_the_run(digits: Path) -> None:
    """judgement.json is read as the judgement that judge returned."""
    judgement = judge(_run(digits))
    run = Run.open(digits.parent / "runs" / "run")
    assert run.judgement is not None
    assert run.judgement["opening"] == 1
    assert read_judgement(run.judgement) == judgement


def test_without_validation_images_there_is_no_validation_score(digits: Path) -> None:
    """With validation = 0 the score is None, in Python and in JSON."""
    judgement = judge(_run(digits, validation=0))
    assert judgement.splits["validation"] is None
    assert judgement.to_json()["splits"]["validation"] is None  # type: ignore[index, call-overload] # JSON is a union
    assert judgement.splits["train"] is not None


def test_every_form_of_target_gives_the_same_scores(digits: Path) -> None:
    """A run, its folder, its model file and its model give the same scores and share one count of openings."""
    run = _run(digits)
    root = digits.parent / "runs"
    judgements = [
        judge(run),
        judge(run.path),
        judge(str(run.path / "model.safetensors")),
        judge(run.model, runs_root=root),
    ]
    assert [each.opening for each in judgements] == [1, 2, 3, 4]
    assert all(each.splits == judgements[0].splits for each in judgements)
    assert run.judgement is not None
    assert run.judgement["opening"] == 3
    assert _count_openings(digits) == 4


def test_a_model_file_outside_a_run_is_judged_by_its_provenance(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied model file needs no run folder; its openings are counted in runs/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    run = _run(digits, name="../elsewhere/run")
    copy = tmp_path / "digits.safetensors"
    copy.write_bytes((run.path / "model.safetensors").read_bytes())
    assert judge(copy).opening == 1
    assert (tmp_path / "runs" / LOG).exists()


def test_an_unfinished_run_raises_an_error(digits: Path) -> None:
    """After Ctrl-C neither the run nor its model is judged, and the test set stays sealed."""

    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(load(digits), recipe(), out=digits.parent / "runs" / "run", report=stop)
    run = Run.open(digits.parent / "runs" / "run")
    with pytest.raises(RunError, match="interrupted"):
        judge(run)
    with pytest.raises(RunError, match="interrupted"):
        judge(run.model)
    assert _count_openings(digits) == 0


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"])
def test_changed_data_raise_an_error(digits: Path, file: str) -> None:
    """One changed pixel of a training or test image raises an error, and the test set stays sealed."""
    run = _run(digits)
    content = bytearray((digits / file).read_bytes())
    content[-1] ^= 1
    (digits / file).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(digits))):
        judge(run)
    assert _count_openings(digits) == 0


def test_a_read_only_run_opens_nothing(digits: Path) -> None:
    """If the predictions cannot be written, the test set stays sealed."""
    run = _run(digits)
    (run.path / "predictions").write_text("a file")
    with pytest.raises(RunError, match="predictions"):
        judge(run)
    assert _count_openings(digits) == 0


def test_arrays_must_be_passed_again(digits: Path) -> None:
    """A run on arrays is judged with the same arrays; without them there is an error and no opening."""
    images, labels = pictures(200, 1)
    run = train(load((images, labels)), recipe(epochs=1), out=digits.parent / "runs" / "arrays")
    with pytest.raises(DataError, match="memory"):
        judge(run)
    assert _count_openings(digits) == 0
    judgement = judge(run, data=load((images, labels)))
    assert judgement.on == "test"
    assert judgement.score.n == 40
    assert judge(run.path, data=load((images, labels))).splits == judgement.splits
    assert judge(run.model, data=load((images, labels)), runs_root=digits.parent / "runs").opening == 3


def test_data_are_loaded_with_the_options_of_training(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging calls `load` with the options of training."""
    options = Options(size=28, on_bad="skip")
    data = replace(load(digits), options=options)
    run = train(data, recipe(epochs=1), out=digits.parent / "runs" / "run")
    calls: list[object] = []

    def reload(source: str, **arguments: object) -> Dataset:
        calls.append((source, arguments))
        return data

    monkeypatch.setattr(origin, "load", reload)
    judge(run)
    assert calls == [(str(digits), {"size": 28, "on_bad": "skip", "add": None})]


def test_a_run_with_added_images_is_judged(digits: Path, tmp_path: Path) -> None:
    """Added images count as training images, from a folder or in memory; the test set is the source's."""
    added = write_pictures(tmp_path / "added", *pictures(20, 8))
    plain, run = (
        train(load(digits, add=add), recipe(epochs=1), out=tmp_path / "runs" / name)
        for add, name in ((None, "plain"), (added, "more"))
    )
    without, with_added = judge(plain), judge(run)
    assert [score and score.n for score in with_added.splits.values()] == [170, 50, 60]
    assert without.test_fingerprint == with_added.test_fingerprint
    assert with_added.opening == 2
    assert not [note for note in with_added.notes if "added" in note]
    assert judge(run.model, runs_root=tmp_path / "runs").splits == with_added.splits
    arrays = train(load(pictures(200, 1), add=added), recipe(epochs=1), out=tmp_path / "runs" / "arrays")
    assert judge(arrays, data=load(pictures(200, 1), add=added)).on == "test"


def test_missing_data_raise_an_error(digits: Path) -> None:
    """The error names a data folder that was moved."""
    run = _run(digits)
    digits.rename(digits.with_name("moved"))
    with pytest.raises(DataError, match="digits"):
        judge(run)


def test_another_split_raises_an_error(digits: Path) -> None:
    """A model whose recipe gives another split than in training is not judged."""
    run = _run(digits)
    other = run.recipe.override({"split_seed": 1})
    provenance = run.model.provenance
    model = Model(other, run.model.input_shape, run.model.class_names, run.model.weights, provenance)
    with pytest.raises(RunError, match=str(run.split.fingerprint)):
        judge(model, runs_root=digits.parent / "runs")
    assert _count_openings(digits) == 0


def test_a_model_of_unknown_origin_raises_an_error(digits: Path) -> None:
    """A model without the fingerprints of its training data is not judged."""
    model = _run(digits).model
    incomplete = [model.provenance.updated(**{part: None}) for part in ("data", "split", "run")]
    for provenance in (*incomplete, Provenance()):
        with pytest.raises(ModelError, match="train"):
            judge(replace(model, provenance=provenance))


def test_swapped_labels_raise_an_error(digits: Path) -> None:
    """The fingerprint covers the labels, so two swapped labels are changed data."""
    run = _run(digits)
    labels = pictures(200, 1)[1].astype(np.uint8)
    labels[[0, 1]] = labels[[1, 0]]
    write_idx(digits / "train-labels-idx1-ubyte", labels)
    with pytest.raises(DataError, match=re.escape(str(digits))):
        judge(run)


def test_few_images_are_noted(digits: Path) -> None:
    """Notes name the 60 test images and the classes with 6 images each."""
    notes = " ".join(judge(_run(digits)).notes)
    assert "n = 60" in notes
    assert "0 (6), 1 (6)" in notes


def test_steps_are_reported_and_robustness_is_optional(digits: Path) -> None:
    """Each step is reported; robustness curves are measured only with robust=True."""
    run = _run(digits)
    steps: list[str] = []
    judgement = judge(run, robust=True, report=steps.append)
    assert steps[:3] == ["loading", "scoring", "baselines"]
    assert "robustness: blurred" in steps
    assert len(judgement.robustness) == 5
    assert {curve.accuracy[0].value for curve in judgement.robustness} == {judgement.score.accuracy.value}
    assert judge(run).robustness == ()


def test_wrong_types_raise_an_error(digits: Path) -> None:
    """The error names the type that was passed; nothing is opened."""
    run = _run(digits)
    with pytest.raises(RunError, match="int"):
        judge(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="str"):
        judge(run, data="digits")  # type: ignore[arg-type]
    assert _count_openings(digits) == 0
