"""Uncertainty is fitted when a training ends: on which images, after which endings, and reasons for failures."""

import re
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
from optotype.training.plan import split_validation
from optotype.training.train import train
from tests.training.samples import dataset, pictures, recipe


def test_a_run_ends_with_uncertainty(tmp_path: Path) -> None:
    """The model file has a calibration on all validation images, and a detector that rejects noise."""
    run = train(dataset(600), recipe(validation=200), out=tmp_path / "run")
    model = Model.load(run.model_path)
    assert model.calibration is not None
    assert model.novelty is not None
    assert model.calibration.n == 200
    assert model.provenance.validation_images == 200
    rows = run.split.validation
    assert (
        model.calibration.temperature
        == Calibration.fit(model.logits(dataset(600).images[rows]), dataset(600).labels[rows]).temperature
    )
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1), np.uint8)
    assert all(prediction.unknown for prediction in model.predict(noise))
    assert sum(bool(prediction.unknown) for prediction in model.predict(pictures(100, 7)[0])) < 10


def test_uncertainty_does_not_depend_on_threads(tmp_path: Path) -> None:
    """One thread and two fit the same bits."""
    models = [
        train(dataset(600), recipe(validation=200), out=tmp_path / str(threads), threads=threads).model
        for threads in (1, 2)
    ]
    (first, first_novelty), (second, second_novelty) = (
        (model.calibration, model.novelty) for model in models
    )
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.scores, second.scores)
    assert first_novelty is not None
    assert second_novelty is not None
    assert first_novelty.threshold == second_novelty.threshold


def test_one_half_is_monitored_and_the_other_calibrates(tmp_path: Path) -> None:
    """With early stopping, val_loss is on one half of the validation images and calibration on the other."""
    data, small = dataset(600), recipe(validation=201, early_stopping=EarlyStopping(patience=9))
    run = train(data, small, out=tmp_path / "run")
    monitored, calibration = split_validation(small, data.labels, run.split)
    assert sorted([*monitored, *calibration]) == run.split.validation.tolist()
    best = run.epochs[int(str(run.model.provenance.epoch)) - 1]
    logits = run.model.logits(data.images[monitored])
    assert best.val_loss == pytest.approx(log_loss(logits, data.labels[monitored]), rel=1e-4)
    assert best.val_accuracy == accuracy(logits, data.labels[monitored])
    assert run.model.provenance.validation_images == len(monitored) == 101
    assert run.model.calibration is not None
    expected = Calibration.fit(run.model.logits(data.images[calibration]), data.labels[calibration])
    np.testing.assert_allclose(run.model.calibration.scores, expected.scores, atol=1e-9)


@pytest.mark.parametrize(
    ("validation", "early", "reason"),
    [
        (0, False, r"no validation images"),
        (49, False, r"49 .* 50"),
        (99, True, r"99 validation images.* 100"),
    ],
)
def test_too_few_validation_images_give_a_reason(
    tmp_path: Path, validation: int, early: bool, reason: str
) -> None:
    """With too few calibration images the model has no uncertainty, and its provenance has the reason."""
    small = recipe(epochs=1, validation=validation, early_stopping=EarlyStopping() if early else None)
    model = train(dataset(), small, out=tmp_path / "run").model
    assert (model.calibration, model.novelty) == (None, None)
    assert re.search(reason, str(model.provenance.no_calibration))
    assert model.provenance.no_novelty
    assert model.provenance.validation_images == validation


def test_a_failed_fit_loses_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one fit fails, the run is finished with its model and the other fit, and has the reason."""

    def fail(*_: object) -> NoveltyDetector:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(NoveltyDetector, "fit", fail)
    run = train(dataset(), recipe(epochs=1), out=tmp_path / "run")
    model = Model.load(run.model_path)
    assert run.status == "finished"
    assert model.calibration is not None
    assert model.novelty is None
    assert model.provenance.no_novelty == "singular"


def test_interrupted_and_diverged_trainings_have_uncertainty_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and a loss that is not finite leave a model with a calibration."""

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
    """Ctrl-C while uncertainty is fitted leaves an interrupted run with a model without it."""

    def stop(*_: object) -> Model:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "fit_uncertainty", stop)
    with pytest.raises(KeyboardInterrupt, match="saved in"):
        train(dataset(), recipe(epochs=1), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status == "interrupted"
    assert Model.load(run.model_path).calibration is None


def test_ctrl_c_after_a_divergence_leaves_a_diverged_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the best epoch's uncertainty is fitted changes neither the model nor the status."""

    def stop(*_: object) -> Model:
        raise KeyboardInterrupt

    losses = iter([1.0, float("nan")])
    monkeypatch.setattr(checkpoint, "fit_uncertainty", stop)
    monkeypatch.setattr(loop, "_validate", lambda *_: (next(losses), 0.5))
    with pytest.raises(DivergedError, match="weights of epoch 1"):
        train(dataset(), recipe(), out=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert (run.status, run.model.calibration) == ("diverged", None)


def test_a_small_class_is_not_novel(tmp_path: Path) -> None:
    """A class without validation images is not rejected as novel."""
    images, labels = pictures(600, 1)
    rows = np.sort(np.concatenate([np.flatnonzero(labels != 9), np.flatnonzero(labels == 9)[:6]]))
    validation = np.flatnonzero(labels[rows] != 9)[:100]
    names, test = dataset().class_names, dataset().test
    data = Dataset("rare", images[rows], labels[rows], names, "none", "memory", test, validation=validation)
    run = train(data, recipe(), out=tmp_path / "run")
    np.testing.assert_array_equal(run.split.validation, validation)
    nines = run.model.predict(pictures(400, 3)[0][9::10])
    assert sum(bool(prediction.unknown) for prediction in nines) < 10


def test_without_early_stopping_every_validation_image_has_both_uses() -> None:
    """Such a training selects nothing on validation images, so all are monitored and all calibrate."""
    labels = np.arange(200) % 10
    split = stratified_split(labels, 60, 0)
    monitored, calibration = split_validation(recipe(), labels, split)
    np.testing.assert_array_equal(monitored, split.validation)
    np.testing.assert_array_equal(calibration, split.validation)
