"""What a model's own doubts are worth: counted by hand, and from a run as it is judged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.data.load import load
from optotype.engine.optimizers import Adam
from optotype.judging.judge import judge
from optotype.judging.uncertainty import check_uncertainty, notes_on_limits
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
    """Train with so many validation images that a model can be calibrated."""
    data = load(write_folder(tmp_path / "digits", 300, 100))
    return train(data, recipe(epochs=2, optimizer=Adam(0.003), validation=100), out=tmp_path / "runs" / "run")


def _model(temperature: float) -> Model:
    """Give a model whose sets hold classes of at least 10 %."""
    return replace(small_model(), calibration=Calibration(temperature, np.full(200, 0.9)))


def _said() -> Predictions:
    """Give answers about four images of three classes: surely right, half right, surely wrong, unsure and wrong."""
    probabilities = np.array([[0.98, 0.01, 0.01], [0.5, 0.4, 0.1001], [0.95, 0.03, 0.02], [0.05, 0.5, 0.45]])
    labels = np.array([0, 1, 2, 2])
    return Predictions(np.arange(4), labels, np.log(probabilities).astype(np.float32))


def test_label_sets_are_counted() -> None:
    """Of four sets three hold the truth and two are one class; the largest has three."""
    sets = check_uncertainty(_model(1.0), _said())["label_sets"]
    assert sets is not None
    assert (sets.asked, sets.coverage.value, sets.single.value) == (0.99, 0.75, 0.5)
    assert (sets.mean_size, sets.largest) == ((1 + 3 + 1 + 2) / 4, 3)


def test_probabilities_are_compared_without_and_with_the_temperature() -> None:
    """Before is what the logits give, after what they give divided; bins hold each image once."""
    said = _said()
    check = check_uncertainty(_model(2.0), said)["calibration"]
    assert check is not None
    assert (check.temperature, check.n) == (2.0, 200)
    assert check.before.log_loss.value == pytest.approx(log_loss(said.logits, said.labels))
    assert check.after.log_loss.value == pytest.approx(log_loss(said.logits / 2, said.labels))
    assert [each.n for each in check.before.bins] == [2, 2]
    low, high = check.before.bins
    assert (low.low, low.high) == pytest.approx((7 / 15, 8 / 15))
    assert (low.confidence, low.accuracy.value) == pytest.approx((0.5, 0.0), abs=1e-3)
    assert (high.confidence, high.accuracy.value) == pytest.approx((0.965, 0.5), abs=1e-3)
    assert check.before.ece.value == pytest.approx((2 * 0.5 + 2 * 0.465) / 4, abs=1e-3)


def test_a_model_that_knows_nothing_of_its_limits_is_judged_without_them() -> None:
    """Without calibration and familiarity there is nothing to check."""
    assert set(check_uncertainty(small_model(), _said()).values()) == {None}


def test_a_run_is_judged_with_its_doubts(run: Run) -> None:
    """Calibration, label sets and rejection are checked on the test images, and each image has a distance."""
    judgement = judge(run)
    assert judgement.calibration is not None
    assert judgement.calibration.n == 100
    assert judgement.label_sets is not None
    assert judgement.label_sets.coverage.value > 0.9
    assert judgement.unfamiliar is not None
    assert (judgement.unfamiliar.asked, judgement.unfamiliar.rejected.value < 0.2) == (0.01, True)
    for said in judgement.predictions.values():
        assert said.distances is not None
        assert said.distances.shape == said.labels.shape


def test_images_of_another_kind_are_unfamiliar(run: Run) -> None:
    """Of images turned into their negatives nearly all are called unlike those of the training."""
    images, labels = pictures(50, 7)
    unfamiliar = check_uncertainty(run.model, predict_split(run.model, 255 - images, labels, np.arange(50)))[
        "unfamiliar"
    ]
    assert unfamiliar is not None
    assert unfamiliar.rejected.value > 0.9


def test_where_a_model_could_not_be_calibrated_the_notes_say_why(tmp_path: Path) -> None:
    """Without validation images there is neither temperature nor rejection."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    notes = judge(train(data, recipe(epochs=1, validation=0), out=tmp_path / "runs" / "run")).notes
    assert any(note.startswith("The model has no calibration") for note in notes)
    assert sum("No image was set aside for validation" in note for note in notes) == 2


@pytest.mark.parametrize(("n", "told"), [(98, True), (99, False)])
def test_sets_of_all_classes_are_explained(n: int, told: bool) -> None:
    """Where too few images calibrated the model for any label set to leave a class out, a note says so."""
    model = replace(small_model(), calibration=Calibration(1.0, np.full(n, 0.9)))
    sets = check_uncertainty(model, _said())["label_sets"]
    assert sets is not None
    assert (sets.mean_size == 3) == told
    notes = notes_on_limits(model)
    assert any(note.startswith(f"Every label set holds all classes: {n} images") for note in notes) == told
