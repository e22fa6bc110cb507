"""Verification: on which images, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.data.load import load
from optotype.engine.layers import Dense, Flatten
from optotype.errors import DataError, ExportError
from optotype.exporting.verification import VerificationImages, synthetic_images, verification_images, verify
from optotype.runs.run import Run
from optotype.training.train import train
from tests.exporting.samples import CLASSES, untrained
from tests.training.samples import pictures, recipe, write_folder

Floats = NDArray[np.float32]
MODEL = untrained((Flatten(), Dense(8, "tanh")), (5, 4, 1))
TRIAL = VerificationImages(synthetic_images((5, 4, 1)), np.arange(2, 32), "synthetic images")


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write a folder of 200 training and 60 test pictures."""
    return write_folder(tmp_path / "digits", 200, 60)


def _run(digits: Path, validation: int) -> Run:
    return train(load(digits), recipe(epochs=1, validation=validation), out=digits.parent / "runs" / "run")


def _refused(change: Callable[[Floats], Floats]) -> str:
    with pytest.raises(ExportError) as caught:
        verify(MODEL, TRIAL, lambda batches: (change(MODEL.predict_proba(each)) for each in batches))
    return str(caught.value)


def _changed(row: int, by: float) -> Callable[[Floats], Floats]:
    def change(probabilities: Floats) -> Floats:
        probabilities[row, 0] += np.float32(by)
        return probabilities

    return change


def test_the_models_own_answers_pass() -> None:
    """What the model itself says differs by nothing, on every image."""
    verification = verify(MODEL, TRIAL, lambda batches: map(MODEL.predict_proba, batches))
    assert (verification.n, verification.max_difference) == (30, 0.0)


def test_a_little_difference_passes() -> None:
    """A probability may differ by 0.00009."""
    trial = VerificationImages(TRIAL.images, TRIAL.rows, "synthetic images")
    verification = verify(
        MODEL, trial, lambda batches: map(_changed(3, 9e-5), map(MODEL.predict_proba, batches))
    )
    assert verification.max_difference == pytest.approx(9e-5, rel=1e-2)


def test_a_difference_is_refused_naming_the_image() -> None:
    """One probability that differs by 0.0002 is refused, with the image's index and the difference."""
    said = _refused(_changed(3, 2e-4))
    assert "on 1 of 30 synthetic images (5)" in said
    assert "differ by up to 0.0002, expected at most 0.0001" in said


def test_no_number_is_a_difference() -> None:
    """NaN is refused, on all images and on one."""
    assert "differ by up to nan" in _refused(_changed(7, np.nan))
    assert "on 30 of 30 synthetic images (2, 3, 4, 5, 6, 7, 8, 9, ...)" in _refused(lambda all_: all_ * np.nan)


def test_another_label_is_refused_unless_it_is_a_tie() -> None:
    """Two classes that change places are refused where the logits differ by 1e-4, and pass where by 5e-6."""
    flat = untrained((Flatten(),), (5, 4, 1))
    for lead, passes in ((1e-4, False), (5e-6, True)):
        weights = {name: np.zeros_like(values) for name, values in flat.weights.items()}
        weights["1.bias"][:] = 0, lead, 0, -1, -1
        weights["1.bias"][2] = -1
        model = type(flat)(flat.recipe, flat.input_shape, CLASSES, weights)

        def swapped(batches: object, model: object = model) -> object:
            return (model.predict_proba(each)[:, [1, 0, 2, 3, 4]] for each in batches)  # type: ignore[attr-defined]

        if passes:
            verify(model, TRIAL, swapped)  # type: ignore[arg-type]
        else:
            with pytest.raises(ExportError, match="and the same labels"):
                verify(model, TRIAL, swapped)  # type: ignore[arg-type]


def test_another_shape_is_refused() -> None:
    """Answers for other classes than the model's are refused, with both shapes."""
    assert "of shape (30, 4), expected (30, 5)" in _refused(lambda answers: answers[:, :4])


def test_validation_images_are_asked_about(digits: Path) -> None:
    """All images of the validation split, and no others, where the data are still there."""
    run = _run(digits, 50)
    trial = verification_images(run.model)
    assert (trial.name, trial.reason) == ("validation images", "")
    np.testing.assert_array_equal(trial.rows, run.split.validation)
    np.testing.assert_array_equal(trial.images, load(digits).images)


def test_training_images_stand_in(digits: Path) -> None:
    """Where none were kept for validation, training images are asked about, and that is said."""
    trial = verification_images(_run(digits, 0).model)
    assert (trial.name, len(trial.rows)) == ("training images", 200)
    assert trial.reason == "The recipe kept none for validation."


def test_golden_images_stand_in(digits: Path) -> None:
    """Where the data are gone or changed, golden images are asked about, or made ones, and the reason is said."""
    run = _run(digits, 50)
    (digits / "train-images-idx3-ubyte").rename(digits / "gone")
    trial = verification_images(run.model)
    assert run.model.golden is not None
    assert trial.name == "golden images"
    np.testing.assert_array_equal(trial.images[trial.rows], run.model.golden.images)
    assert "digits" in trial.reason
    made = verification_images(replace(run.model, golden=None))
    assert (made.name, made.images.shape) == ("synthetic images", (32, 28, 28, 1))
    assert "digits" in made.reason
    assert "does not say which data" in verification_images(MODEL).reason


def test_data_that_are_given_must_be_those_of_the_training(digits: Path) -> None:
    """Arrays are verified on when they are given again; others than those of the training are refused."""
    images, labels = pictures(200, 1)
    run = train(load((images, labels)), recipe(epochs=1), out=digits.parent / "runs" / "arrays")
    assert verification_images(run.model).name == "golden images"
    assert verification_images(run.model, load((images, labels))).name == "validation images"
    with pytest.raises(DataError, match="changed since training"):
        verification_images(run.model, load((images[::-1], labels[::-1])))


def test_made_images_differ() -> None:
    """The 32 images are uint8, distinct but for even ones in tiny shapes, and the same every time."""
    images = synthetic_images((9, 8, 3))
    assert images.dtype == np.uint8
    assert images.shape == (32, 9, 8, 3)
    assert len(np.unique(images.reshape(32, -1), axis=0)) == 32
    np.testing.assert_array_equal(images, synthetic_images((9, 8, 3)))
    assert set(images[0].ravel()) == {0}
    assert set(images[3].ravel()) == {255}
