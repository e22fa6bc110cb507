"""What is fitted when a training ends: on which images, however it ends, and what is said where it cannot be."""

from pathlib import Path

import numpy as np
import pytest

from optotype.data.dataset import Dataset
from optotype.data.splits import stratified_split
from optotype.errors import DivergedError
from optotype.metrics import accuracy, log_loss
from optotype.models.calibration import Calibration
from optotype.models.model import Model
from optotype.models.novelty import NoveltyDetector
from optotype.recipes.recipe import EarlyStopping
from optotype.runs.run import Run
from optotype.training import checkpoint, loop
from optotype.training.loop import Progress
from optotype.training.train import train
from optotype.training.uncertainty import split_validation
from tests.training.samples import dataset, pictures, recipe


def test_a_run_ends_with_its_doubts(tmp_path: Path) -> None:
    """The model file has a calibration on all validation images, and knows training images from noise."""
    run = train(dataset(600), recipe(validation=200), out=tmp_path / "run")
    model = Model.load(run.model_path)
    assert model.calibration is not None
    assert model.novelty is not None
    assert model.calibration.n == 200
    assert model.provenance.validation_images == 200
    held = run.split.validation
    assert (
        model.calibration.temperature
        == Calibration.fit(model.logits(dataset(600).images[held]), dataset(600).labels[held]).temperature
    )
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1), np.uint8)
    assert all(each.unknown for each in model.predict(noise))
    assert sum(bool(each.unknown) for each in model.predict(pictures(100, 7)[0])) < 10


def test_doubts_do_not_depend_on_threads(tmp_path: Path) -> None:
    """One thread and two fit the same bits."""
    files = [
        train(dataset(600), recipe(validation=200), out=tmp_path / str(threads), threads=threads).model
        for threads in (1, 2)
    ]
    one, two = ((model.calibration, model.novelty) for model in files)
    assert one[0] is not None
    assert two[0] is not None
    np.testing.assert_array_equal(one[0].scores, two[0].scores)
    assert one[1] is not None
    assert two[1] is not None
    assert one[1].threshold == two[1].threshold


def test_one_half_stops_and_the_other_calibrates(tmp_path: Path) -> None:
    """With early stopping, losses are those of the watched half and the scores those of the other; none is in both."""
    data, chosen = dataset(600), recipe(validation=201, early_stopping=EarlyStopping(patience=9))
    run = train(data, chosen, out=tmp_path / "run")
    watched, calibrating = split_validation(chosen, data.labels, run.split)
    assert sorted([*watched, *calibrating]) == run.split.validation.tolist()
    best = run.epochs[(run.model.provenance.epoch or 0) - 1]
    logits = run.model.logits(data.images[watched])
    assert best.val_loss == pytest.approx(log_loss(logits, data.labels[watched]), rel=1e-4)
    assert best.val_accuracy == accuracy(logits, data.labels[watched])
    assert run.model.provenance.validation_images == len(watched) == 101
    assert run.model.calibration is not None
    expected = Calibration.fit(run.model.logits(data.images[calibrating]), data.labels[calibrating])
    np.testing.assert_allclose(run.model.calibration.scores, expected.scores, atol=1e-9)


@pytest.mark.parametrize(
    ("validation", "early", "reason"),
    [
        (0, False, "No image was set aside for validation"),
        (49, False, "49 images are too few for calibration, expected at least 50"),
        (99, True, "Early stopping takes all 99 validation images, expected at least 100"),
    ],
)
def test_too_few_images_are_said(tmp_path: Path, validation: int, early: bool, reason: str) -> None:
    """Where too few images are left to calibrate on, the model has no doubts, and its provenance says why."""
    chosen = recipe(epochs=1, validation=validation, early_stopping=EarlyStopping() if early else None)
    model = train(dataset(), chosen, out=tmp_path / "run").model
    assert (model.calibration, model.novelty) == (None, None)
    assert reason in str(model.provenance.no_calibration)
    assert model.provenance.no_novelty
    assert model.provenance.validation_images == validation


def test_a_fit_that_fails_loses_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong with one of the two, the run is finished, has its model and the other, and says what."""

    def fail(*_: object) -> NoveltyDetector:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(NoveltyDetector, "fit", fail)
    run = train(dataset(), recipe(epochs=1), out=tmp_path / "run")
    model = Model.load(run.model_path)
    assert run.status == "finished"
    assert model.calibration is not None
    assert model.novelty is None
    assert model.provenance.no_novelty == "singular"


def test_a_training_that_is_stopped_or_diverges_has_doubts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and a loss that is no number leave a model with a calibration."""

    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(dataset(), recipe(), out=tmp_path / "stopped", report=stop)
    losses = iter([1.0, float("nan")])
    monkeypatch.setattr(loop, "_validate", lambda *_: (next(losses), 0.5))
    with pytest.raises(DivergedError):
        train(dataset(), recipe(), out=tmp_path / "diverged")
    for name in ("stopped", "diverged"):
        assert Run.open(tmp_path / name).model.calibration is not None, name


def test_a_second_ctrl_c_loses_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the doubts are fitted leaves an interrupted run with a model that has none."""

    def stop(*_: object) -> Model:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "fit_uncertainty", stop)
    with pytest.raises(KeyboardInterrupt, match="kept in"):
        train(dataset(), recipe(epochs=1), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status == "interrupted"
    assert Model.load(run.model_path).calibration is None


def test_ctrl_c_after_a_divergence_leaves_a_diverged_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the doubts of the best epoch are fitted takes neither the model nor the status."""

    def stop(*_: object) -> Model:
        raise KeyboardInterrupt

    losses = iter([1.0, float("nan")])
    monkeypatch.setattr(checkpoint, "fit_uncertainty", stop)
    monkeypatch.setattr(loop, "_validate", lambda *_: (next(losses), 0.5))
    with pytest.raises(DivergedError, match="weights of epoch 1"):
        train(dataset(), recipe(), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert (run.status, run.model.calibration) == ("diverged", None)


def test_a_small_class_is_known_too(tmp_path: Path) -> None:
    """A class of which no validation image is left still counts as familiar."""
    images, labels = pictures(600, 1)
    keep = np.sort(np.concatenate([np.flatnonzero(labels != 9), np.flatnonzero(labels == 9)[:6]]))
    own = np.flatnonzero(labels[keep] != 9)[:100]
    names, test = dataset().class_names, dataset().test
    data = Dataset("rare", images[keep], labels[keep], names, "none", "memory", test, validation=own)
    run = train(data, recipe(), out=tmp_path / "run")
    np.testing.assert_array_equal(run.split.validation, own)
    nines = run.model.predict(pictures(400, 3)[0][9::10])
    assert sum(bool(each.unknown) for each in nines) < 10


def test_without_early_stopping_every_validation_image_does_both() -> None:
    """Nothing is chosen by them within such a training."""
    labels = np.arange(200) % 10
    split = stratified_split(labels, 60, 0)
    watched, calibrating = split_validation(recipe(), labels, split)
    np.testing.assert_array_equal(watched, split.validation)
    np.testing.assert_array_equal(calibrating, split.validation)
