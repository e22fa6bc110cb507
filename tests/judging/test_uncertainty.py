"""Uncertainty checks: on four images counted by hand, and on a judged run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.load import load
from optotype.engine.optimizers import Adam
from optotype.judging.judge import judge
from optotype.judging.uncertainty import check_uncertainty, notes_on_uncertainty
from optotype.metrics import log_loss
from optotype.models.calibration import Calibration
from optotype.models.model import Model
from optotype.runs.predictions import Predictions, predict_split
from optotype.runs.run import Run
from optotype.training.train import train
from tests.models.samples import small_model
from tests.training.samples import pictures, recipe, write_folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Train with enough validation images to calibrate the model."""
    data = load(write_folder(tmp_path / "digits", 300, 100))
    return train(data, recipe(epochs=2, optimizer=Adam(0.003), validation=100), out=tmp_path / "runs" / "run")


def _model(temperature: float) -> Model:
    """Return a model whose label sets contain the classes of at least 10 %."""
    return replace(small_model(), calibration=Calibration(temperature, np.full(200, 0.9)))


def _predictions() -> Predictions:
    """Return predictions for four images of three classes: confident and correct, then three wrong ones."""
    probabilities = np.array([[0.98, 0.01, 0.01], [0.5, 0.4, 0.1001], [0.95, 0.03, 0.02], [0.05, 0.5, 0.45]])
    labels = np.array([0, 1, 2, 2])
    return Predictions(np.arange(4), labels, np.log(probabilities).astype(np.float32))


def test_label_sets_are_measured() -> None:
    """Of four label sets three contain the label and two are one class; the largest has three classes."""
    sets = check_uncertainty(_model(1.0), _predictions())["label_sets"]
    assert sets is not None
    assert (sets.target_coverage, sets.coverage.value, sets.singleton_rate.value) == (0.99, 0.75, 0.5)
    assert (sets.mean_size, sets.max_size) == ((1 + 3 + 1 + 2) / 4, 3)


def test_reliability_without_and_with_the_temperature() -> None:
    """`before` uses the logits, `after` the logits divided by the temperature; each image is in one bin."""
    predictions = _predictions()
    check = check_uncertainty(_model(2.0), predictions)["calibration"]
    assert check is not None
    assert (check.temperature, check.n) == (2.0, 200)
    assert check.before.log_loss.value == pytest.approx(log_loss(predictions.logits, predictions.labels))
    assert check.after.log_loss.value == pytest.approx(log_loss(predictions.logits / 2, predictions.labels))
    assert [each.n for each in check.before.bins] == [2, 2]
    low, high = check.before.bins
    assert (low.low, low.high) == pytest.approx((7 / 15, 8 / 15))
    assert (low.confidence, low.accuracy.value) == pytest.approx((0.5, 0.0), abs=1e-3)
    assert (high.confidence, high.accuracy.value) == pytest.approx((0.965, 0.5), abs=1e-3)
    assert check.before.ece.value == pytest.approx((2 * 0.5 + 2 * 0.465) / 4, abs=1e-3)


def test_a_model_without_uncertainty_has_no_checks() -> None:
    """Without calibration and novelty detector every check is None."""
    assert set(check_uncertainty(small_model(), _predictions()).values()) == {None}


def test_the_uncertainty_of_a_run_is_checked(run: Run) -> None:
    """Calibration, label sets and novelty are checked on the test images, and each image has a distance."""
    judgement = judge(run)
    assert judgement.calibration is not None
    assert judgement.calibration.n == 100
    assert judgement.label_sets is not None
    assert judgement.label_sets.coverage.value > 0.9
    assert judgement.novelty is not None
    assert (judgement.novelty.target_rate, judgement.novelty.rate.value < 0.2) == (0.01, True)
    for predictions in judgement.predictions.values():
        assert predictions.distances is not None
        assert predictions.distances.shape == predictions.labels.shape


def test_images_of_another_kind_are_novel(run: Run) -> None:
    """Nearly all images are rejected once their brightness is inverted."""
    images, labels = pictures(50, 7)
    predictions = predict_split(run.model, 255 - images, labels, np.arange(50))
    novelty = check_uncertainty(run.model, predictions)["novelty"]
    assert novelty is not None
    assert novelty.rate.value > 0.9


def test_notes_say_why_a_model_has_no_uncertainty(tmp_path: Path) -> None:
    """Without validation images there is neither a temperature nor a novelty detector."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    notes = judge(train(data, recipe(epochs=1, validation=0), out=tmp_path / "runs" / "run")).notes
    assert any("has no temperature" in note for note in notes)
    assert any("has no novelty detector" in note for note in notes)
    assert sum("had no validation images" in note for note in notes) == 2


@pytest.mark.parametrize(("n", "is_noted"), [(98, True), (99, False)])
def test_notes_explain_label_sets_of_all_classes(n: int, is_noted: bool) -> None:
    """If the model was calibrated on too few images for smaller label sets, a note says so."""
    model = replace(small_model(), calibration=Calibration(1.0, np.full(n, 0.9)))
    sets = check_uncertainty(model, _predictions())["label_sets"]
    assert sets is not None
    assert (sets.mean_size == 3) == is_noted
    notes = notes_on_uncertainty(model)
    assert any("all classes" in note and f"{n} images" in note for note in notes) == is_noted
