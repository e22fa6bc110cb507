"""Judging: the scores, what is refused, and that a refusal never opens the test set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Dataset, Options
from optotype.data.load import load
from optotype.engine.optimizers import Adam
from optotype.errors import DataError, ModelError, RunError
from optotype.judging.judge import judge
from optotype.judging.judgement import read_judgement
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
    """Write a folder of 200 training and 60 test pictures."""
    return write_folder(tmp_path / "digits", 200, 60)


def _run(digits: Path, name: str = "run", validation: int = 50) -> Run:
    chosen = recipe(epochs=2, optimizer=Adam(0.003), validation=validation)
    return train(load(digits), chosen, out=digits.parent / "runs" / name)


def _openings(digits: Path) -> int:
    log = digits.parent / "runs" / LOG
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_the_scores_are_those_of_the_model_on_each_split(digits: Path) -> None:
    """Loss, accuracy and Wilson interval are what the metrics give for training, validation and test images."""
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
        found = judgement.splits[name]
        assert found is not None
        assert found.n == len(labels)
        assert found.accuracy == proportion(round(share * len(labels)), len(labels))
        assert found.log_loss.value == pytest.approx(log_loss(logits, labels))
    assert judgement.score == judgement.splits["test"]
    assert judgement.score.accuracy.value > 0.5


def test_two_judgements_differ_by_their_openings_alone(digits: Path) -> None:
    """Intervals that are drawn come out the same again: the bootstrap is seeded."""
    run = _run(digits)
    first, second = judge(run), judge(run)
    assert replace(second, openings=first.openings) == first
    assert second.openings[:1] == first.openings


def test_what_the_model_said_of_each_image_is_kept_and_enough(digits: Path) -> None:
    """The run holds predictions of every split: every score can be computed from them again."""
    run = _run(digits)
    judgement = judge(run)
    assert judgement.evidence is not None
    for name, found in judgement.splits.items():
        kept = Run.open(run.path).predictions(name)
        assert kept is not None
        assert score(kept, run.model.class_names) == found
        shown = judgement.evidence.images[name][kept.indices]
        np.testing.assert_array_equal(run.model.logits(shown), kept.logits)


def test_a_judgement_is_kept_in_the_run(digits: Path) -> None:
    """judgement.json holds what judge returned, and the judgement can be read from it."""
    judgement = judge(_run(digits))
    run = Run.open(digits.parent / "runs" / "run")
    assert run.judgement is not None
    assert run.judgement["opening"] == 1
    assert read_judgement(run.judgement) == judgement


def test_without_validation_images_there_is_no_validation_score(digits: Path) -> None:
    """Validation 0 gives None, in Python and as JSON."""
    judgement = judge(_run(digits, validation=0))
    assert judgement.splits["validation"] is None
    assert judgement.to_json()["splits"]["validation"] is None  # type: ignore[index, call-overload] # JSON is a union
    assert judgement.splits["train"] is not None


def test_every_way_to_name_a_run_judges_the_same_and_counts_on(digits: Path) -> None:
    """Run, folder, model file of the run and model in memory give the same scores, and share one count."""
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
    assert _openings(digits) == 4


def test_a_model_file_elsewhere_is_judged_by_what_it_says(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied model file needs no run folder; its openings are counted below the working folder."""
    monkeypatch.chdir(tmp_path)
    run = _run(digits, name="../elsewhere/run")
    copy = tmp_path / "digits.safetensors"
    copy.write_bytes((run.path / "model.safetensors").read_bytes())
    assert judge(copy).opening == 1
    assert (tmp_path / "runs" / LOG).exists()


def test_an_unfinished_run_is_refused_and_so_is_its_model(digits: Path) -> None:
    """After Ctrl-C neither the run nor a copy of its model is judged, and the test set stays closed."""

    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(load(digits), recipe(), out=digits.parent / "runs" / "run", report=stop)
    run = Run.open(digits.parent / "runs" / "run")
    with pytest.raises(RunError, match="was interrupted after 1"):
        judge(run)
    with pytest.raises(RunError, match="status 'interrupted'"):
        judge(run.model)
    assert _openings(digits) == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [("train-images-idx3-ubyte", "training images"), ("t10k-images-idx3-ubyte", "test split")],
)
def test_changed_data_are_refused(digits: Path, name: str, said: str) -> None:
    """One changed pixel of a training or test image is noticed, and the test set stays closed."""
    run = _run(digits)
    content = bytearray((digits / name).read_bytes())
    content[-1] ^= 1
    (digits / name).write_bytes(content)
    with pytest.raises(DataError, match=f"The {said}.* changed since training"):
        judge(run)
    assert _openings(digits) == 0


def test_nothing_is_opened_for_a_run_that_cannot_be_written_to(digits: Path) -> None:
    """Where the predictions cannot be kept, the test set stays closed."""
    run = _run(digits)
    (run.path / "predictions").write_text("a file")
    with pytest.raises(RunError, match="Cannot write"):
        judge(run)
    assert _openings(digits) == 0


def test_arrays_are_judged_by_giving_them_again(digits: Path) -> None:
    """A run on arrays is judged with the same arrays; without them no test set is opened."""
    images, labels = pictures(200, 1)
    run = train(load((images, labels)), recipe(epochs=1), out=digits.parent / "runs" / "arrays")
    with pytest.raises(DataError, match=r"trained on arrays in memory.*as data=load\(\.\.\.\)"):
        judge(run)
    assert _openings(digits) == 0
    judgement = judge(run, data=load((images, labels)))
    assert judgement.on == "test"
    assert judgement.score.n == 40
    assert judge(run.path, data=load((images, labels))).splits == judgement.splits
    assert judge(run.model, data=load((images, labels)), runs_root=digits.parent / "runs").opening == 3


def test_data_are_loaded_with_the_options_of_the_training(
    digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judging asks `load` for the same size, and for the same done with bad pictures, as the training did."""
    options = Options(size=28, on_bad="skip")
    data = replace(load(digits), options=options)
    run = train(data, recipe(epochs=1), out=digits.parent / "runs" / "run")
    asked: list[object] = []

    def reload(source: str, **given: object) -> Dataset:
        asked.append((source, given))
        return data

    monkeypatch.setattr(origin, "load", reload)
    judge(run)
    assert asked == [(str(digits), {"size": 28, "on_bad": "skip", "add": None})]


def test_a_run_with_added_pictures_is_judged(digits: Path, tmp_path: Path) -> None:
    """They count among its training images, from its folder or in memory, and the test set is that of the source."""
    added = write_pictures(tmp_path / "added", *pictures(20, 8))
    plain, run = (
        train(load(digits, add=add), recipe(epochs=1), out=tmp_path / "runs" / name)
        for add, name in ((None, "plain"), (added, "more"))
    )
    one, other = judge(plain), judge(run)
    assert [score and score.n for score in other.splits.values()] == [170, 50, 60]
    assert one.test_fingerprint == other.test_fingerprint
    assert other.opening == 2
    assert not [note for note in other.notes if "added" in note]
    assert judge(run.model, runs_root=tmp_path / "runs").splits == other.splits
    arrays = train(load(pictures(200, 1), add=added), recipe(epochs=1), out=tmp_path / "runs" / "arrays")
    assert judge(arrays, data=load(pictures(200, 1), add=added)).on == "test"


def test_data_that_are_gone_are_missed(digits: Path) -> None:
    """A data folder that was moved is named."""
    run = _run(digits)
    digits.rename(digits.with_name("moved"))
    with pytest.raises(DataError, match="digits"):
        judge(run)


def test_another_split_is_refused(digits: Path) -> None:
    """A model whose recipe does not give the split it was trained with is refused."""
    run = _run(digits)
    other = run.recipe.override({"split_seed": 1})
    provenance = run.model.provenance
    model = Model(other, run.model.input_shape, run.model.class_names, run.model.weights, provenance)
    with pytest.raises(RunError, match=r"The split of"):
        judge(model, runs_root=digits.parent / "runs")
    assert _openings(digits) == 0


def test_a_model_of_unknown_origin_is_refused(digits: Path) -> None:
    """A model that does not say what it was trained on cannot be judged."""
    model = _run(digits).model
    for changes in ({"data": None}, {"split": None}, {"run": None}):
        bare = replace(model, provenance=model.provenance.updated(**changes))
        with pytest.raises(ModelError, match="does not name its data and split"):
            judge(bare)
    with pytest.raises(ModelError, match="does not name its data and split"):
        judge(replace(model, provenance=Provenance()))


def test_labels_that_moved_are_changed_data(digits: Path) -> None:
    """The fingerprint covers labels: two swapped labels are refused."""
    run = _run(digits)
    labels = pictures(200, 1)[1].astype(np.uint8)
    labels[[0, 1]] = labels[[1, 0]]
    write_idx(digits / "train-labels-idx1-ubyte", labels)
    with pytest.raises(DataError, match="changed since training"):
        judge(run)


def test_a_judgement_says_where_images_are_few(digits: Path) -> None:
    """60 test images, 6 of each class, are said to be few."""
    notes = " ".join(judge(_run(digits)).notes)
    assert "60 images are few" in notes
    assert "Fewer than 30 images show 0 (6), 1 (6)" in notes


def test_the_work_is_told_and_robustness_is_asked_for(digits: Path) -> None:
    """Each step is reported; curves are there only with robust=True."""
    run = _run(digits)
    told: list[str] = []
    judgement = judge(run, robust=True, report=told.append)
    assert told[:3] == ["loading", "scoring", "baselines"]
    assert "robustness: blurred" in told
    assert len(judgement.robustness) == 5
    assert {curve.accuracy[0].value for curve in judgement.robustness} == {judgement.score.accuracy.value}
    assert judge(run).robustness == ()


def test_what_is_no_target_and_no_data_set_is_refused(digits: Path) -> None:
    """The type that was given is named with what was expected, before anything is opened."""
    run = _run(digits)
    with pytest.raises(RunError, match="target is of type int, expected a run, a model, or the path"):
        judge(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="data are of type str, expected a data set"):
        judge(run, data="digits")  # type: ignore[arg-type]
    assert _openings(digits) == 0
