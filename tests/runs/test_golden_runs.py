"""Run folders and model files that version 0.1.0 wrote: they load, and give the same numbers.

The folders in golden/ were trained on 8 x 8 images of three classes that `_images` computes, with 210 training images
(600 for "augment"). The labels of some images are wrong on purpose. Curves were removed.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine.augmentation import Augment
from optotype.engine.layers import BatchNormalization, Dense, Flatten
from optotype.judging.judgement_formats import read_judgement
from optotype.models.transfer import fingerprint_model
from optotype.runs.epoch import Epoch
from optotype.runs.listing import list_runs
from optotype.runs.run import Run
from optotype.runs.targets import open_target

GOLDEN: Final = Path(__file__).with_name("golden")
SPLIT: Final = "sha256:34717daad594aaa41bf17b835dcbc51bd15a333271872d7e68d083c13cca31bd"


def _images(n: int = 60) -> NDArray[np.uint8]:
    """Return the first test images."""
    index = np.arange(n)[:, None, None, None]
    y, x = np.arange(8)[None, :, None, None], np.arange(8)[None, None, :, None]
    label = index % 3
    base = np.where(label == 0, 20 * y, np.where(label == 1, 20 * x, 10 * (x + y)))
    noise = (index * 7919 + x * 104729 + y * 1299709 + (index * x * y) * 31 + 2 * 17) % 31
    images: NDArray[np.uint8] = (base + noise).astype(np.uint8)
    return images


def test_all_are_listed() -> None:
    """Every folder is a readable, finished run."""
    listing = list_runs(GOLDEN)
    assert {run.name for run in listing.runs} == {"plain", "extended", "augment", "uncalibrated"}
    assert {run.status for run in listing.runs} == {"finished"}
    assert listing.damaged == ()


def test_run() -> None:
    """Recipe, data, split, epochs and environment have the values that were written."""
    run = Run.open(GOLDEN / "plain")
    assert run.recipe.layers == (Flatten(), BatchNormalization(), Dense(12, "relu"))
    assert (run.recipe.name, run.recipe.validation, run.recipe.epochs) == ("golden", 60, 2)
    assert (run.data.images, run.data.shape, run.data.test_images) == (210, (8, 8, 1), 60)
    assert run.split.fingerprint == SPLIT
    assert run.split.validation[:5].tolist() == [0, 2, 3, 10, 14]
    assert len(run.split.train) == 150
    assert len(run.epochs) == 2
    assert run.epochs[1] == Epoch(
        epoch=2,
        loss=0.4689063406766418,
        accuracy=0.8066666666666666,
        val_loss=1.115155721605306,
        val_accuracy=0.6,
        learning_rate=0.009999999776482582,
        seconds=0.016555778999872928,
        images=150,
    )
    assert (run.environment.optotype, run.environment.isa, run.environment.threads) == ("0.1.0", "avx2", 2)
    assert run.environment.precision == "fp32"
    assert (run.transfer, run.augment_choice, run.skipped) == (None, None, ())


def test_judgement_and_predictions() -> None:
    """The judgement and the predictions of every split have the values that were written."""
    run = Run.open(GOLDEN / "plain")
    assert run.judgement is not None
    judgement = read_judgement(run.judgement)
    assert (judgement.score.n, judgement.score.accuracy.value) == (60, 0.6)
    assert judgement.score.accuracy.low == pytest.approx(0.4737, abs=5e-5)
    assert judgement.score.accuracy.high == pytest.approx(0.7143, abs=5e-5)
    predictions = run.predictions("test")
    assert predictions is not None
    assert predictions.distances is not None
    assert predictions.labels[:5].tolist() == [1, 1, 2, 0, 1]
    np.testing.assert_array_equal(predictions.indices, np.arange(60))
    np.testing.assert_array_equal(
        predictions.logits[0], np.array([-0.7815874, -0.23815215, 0.95660704], np.float32)
    )
    np.testing.assert_allclose(predictions.distances[:2], [0.55439746, 0.48026845], rtol=1e-6)
    for split, n in (("train", 150), ("validation", 60)):
        others = run.predictions(split)
        assert others is not None
        assert len(others.labels) == n


def test_predictions_of_the_model() -> None:
    """The model predicts the logits and distances that were written, and its uncertainty has the same numbers."""
    run = Run.open(GOLDEN / "plain")
    model, predictions = run.model, run.predictions("test")
    assert predictions is not None
    assert predictions.distances is not None
    logits, distances = model.logits_and_distances(_images())
    assert distances is not None
    np.testing.assert_allclose(logits, predictions.logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(distances, predictions.distances, rtol=1e-3, atol=1e-4)
    assert model.calibration is not None
    assert (model.calibration.temperature, model.calibration.n) == (2.250520124944337, 60)
    np.testing.assert_allclose(model.calibration.scores[[0, -1]], [0.50019261, 0.78941595], atol=1e-8)
    assert model.novelty is not None
    assert (model.novelty.threshold, model.novelty.rate) == (1.8958982229232788, 0.0)
    assert model.novelty.scales == (10.396010398864746, 0.595703125)
    assert model.golden is not None
    assert len(model.golden.images) == 32
    (prediction,) = model.predict(_images(1))
    assert (prediction.label, prediction.unknown) == ("2", False)
    assert prediction.probability == pytest.approx(0.4878, abs=1e-4)
    assert prediction.label_set == ("0", "1", "2")
    assert (
        fingerprint_model(model) == "sha256:2ae05fcbb015080d23bbe7a5897e5297641d33aaeed76b103b78f51f84a858bf"
    )


def test_provenance() -> None:
    """The provenance of an old model file has its values under the current names."""
    run = Run.open(GOLDEN / "plain")
    provenance = run.model.provenance
    assert (provenance.run, provenance.status, provenance.epoch) == ("plain", "finished", 2)
    assert (provenance.split, provenance.validation_images) == (SPLIT, 60)
    assert (provenance.data, provenance.environment) == (run.data, run.environment)
    assert (provenance.transfer, provenance.no_calibration, provenance.no_novelty) == (None, None, None)
    assert open_target(GOLDEN / "plain" / "model.safetensors").origin().split == SPLIT


def test_transfer() -> None:
    """A run that started from another model names that model, in its folder and in its provenance."""
    run = Run.open(GOLDEN / "extended")
    plain = Run.open(GOLDEN / "plain")
    start = run.transfer
    assert start is not None
    assert start.fingerprint == fingerprint_model(plain.model)
    assert (start.run, start.recipe, start.shared_layers, start.freeze) == ("plain", "golden", 3, True)
    assert (start.data, start.class_names) == (plain.data, ("0", "1", "2"))
    assert run.model.provenance.transfer == start
    np.testing.assert_array_equal(run.model.weights["2.kernel"], plain.model.weights["2.kernel"])
    logits = run.model.logits(_images(2))
    np.testing.assert_allclose(
        logits,
        [[0.42286575, -1.193214, -0.13427113], [-0.2534158, 1.7848966, 0.41507757]],
        rtol=1e-4,
        atol=1e-5,
    )


def test_augment_choice() -> None:
    """A run with augment = "auto" has the choice and its measurements."""
    run = Run.open(GOLDEN / "augment")
    assert isinstance(run.recipe.augment, Augment)
    assert run.augment_choice is not None
    assert run.augment_choice["chosen"] == str(run.recipe.augment)
    assert len(run.augment_choice["why"]) == 6  # type: ignore[arg-type]  # a list
    assert run.model.calibration is not None
    assert run.model.calibration.temperature == 0.9362389350942859


def test_model_without_uncertainty() -> None:
    """A model without calibration and novelty detector has the reasons in its provenance."""
    model = Run.open(GOLDEN / "uncalibrated").model
    assert (model.calibration, model.novelty) == (None, None)
    assert str(model.provenance.no_calibration).startswith("30 images are too few")
    assert str(model.provenance.no_novelty).startswith("180 training and 30 validation images")
    assert model.provenance.validation_images == 30
    assert model.golden is not None
