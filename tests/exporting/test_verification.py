"""Verification of exports: the images, and the differences that are errors."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.data.load import load
from optotype.engine.layers import Dense, Flatten
from optotype.errors import DataError, ExportError, ModelError
from optotype.exporting.verification import VerificationImages, synthetic_images, verification_images, verify
from optotype.runs.origin import read_origin
from optotype.runs.run import Run
from optotype.training.train import train
from tests.exporting.samples import CLASSES, untrained
from tests.training.samples import pictures, recipe, write_folder

Floats = NDArray[np.float32]
MODEL = untrained((Flatten(), Dense(8, "tanh")), (5, 4, 1))
IMAGES = VerificationImages(synthetic_images((5, 4, 1)), np.arange(2, 32), "synthetic images")


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write a folder of 200 training and 60 test images."""
    return write_folder(tmp_path / "digits", 200, 60)


def _run(digits: Path, validation: int) -> Run:
    return train(load(digits), recipe(epochs=1, validation=validation), out=digits.parent / "runs" / "run")


def _error(change: Callable[[Floats], Floats]) -> str:
    with pytest.raises(ExportError) as caught:
        verify(MODEL, IMAGES, lambda batches: (change(MODEL.predict_proba(images)) for images in batches))
    return str(caught.value)


def _changed(row: int, by: float) -> Callable[[Floats], Floats]:
    def change(probabilities: Floats) -> Floats:
        probabilities[row, 0] += np.float32(by)
        return probabilities

    return change


def test_the_models_own_predictions_pass() -> None:
    """The model's own predictions differ by 0 on every image."""
    verification = verify(MODEL, IMAGES, lambda batches: map(MODEL.predict_proba, batches))
    assert (verification.n, verification.max_difference) == (30, 0.0)


def test_small_difference_passes() -> None:
    """A probability may differ by 0.00009."""
    verification = verify(
        MODEL, IMAGES, lambda batches: map(_changed(3, 9e-5), map(MODEL.predict_proba, batches))
    )
    assert verification.max_difference == pytest.approx(9e-5, rel=1e-2)


def test_larger_difference_is_an_error() -> None:
    """A probability that differs by 0.0002 is an error with the image's index and the difference."""
    message = _error(_changed(3, 2e-4))
    assert "on 1 of 30 synthetic images (5)" in message
    assert "differ by up to 0.0002, expected at most 0.0001" in message


def test_nan_is_a_difference() -> None:
    """NaN is an error, on one image and on all images."""
    assert "differ by up to nan" in _error(_changed(7, np.nan))
    assert "on 30 of 30 synthetic images (2, 3, 4, 5, 6, 7, 8, 9, ...)" in _error(
        lambda probabilities: probabilities * np.nan
    )


def test_other_label_is_an_error_unless_it_is_a_tie() -> None:
    """Two swapped classes are an error if their logits differ by 1e-4, and pass if they differ by 5e-6."""
    flat = untrained((Flatten(),), (5, 4, 1))
    for lead, passes in ((1e-4, False), (5e-6, True)):
        weights = {name: np.zeros_like(values) for name, values in flat.weights.items()}
        weights["1.bias"][:] = 0, lead, 0, -1, -1
        weights["1.bias"][2] = -1
        model = type(flat)(flat.recipe, flat.input_shape, CLASSES, weights)

        def swapped(batches: object, model: object = model) -> object:
            return (model.predict_proba(images)[:, [1, 0, 2, 3, 4]] for images in batches)  # type: ignore[attr-defined]

        if passes:
            verify(model, IMAGES, swapped)  # type: ignore[arg-type]
        else:
            with pytest.raises(ExportError, match="and the same labels"):
                verify(model, IMAGES, swapped)  # type: ignore[arg-type]


def test_other_shape_is_an_error() -> None:
    """Probabilities for another number of classes are an error with both shapes."""
    assert "of shape (30, 4), expected (30, 5)" in _error(lambda probabilities: probabilities[:, :4])


def test_validation_images_are_used(digits: Path) -> None:
    """If the data can be loaded, exactly the images of the validation split are used."""
    run = _run(digits, 50)
    chosen = verification_images(run.model)
    assert (chosen.name, chosen.reason) == ("validation images", "")
    np.testing.assert_array_equal(chosen.rows, run.split.validation)
    np.testing.assert_array_equal(chosen.images, load(digits).images)


def test_training_images_replace_validation_images(digits: Path) -> None:
    """If the recipe sets no validation images aside, training images are used, with the reason."""
    chosen = verification_images(_run(digits, 0).model)
    assert (chosen.name, len(chosen.rows)) == ("training images", 200)
    assert chosen.reason == "The recipe sets no validation images aside."


def test_golden_images_replace_missing_data(digits: Path) -> None:
    """If the data cannot be loaded, golden images are used, or synthetic ones without these, with the reason."""
    run = _run(digits, 50)
    (digits / "train-images-idx3-ubyte").rename(digits / "gone")
    chosen = verification_images(run.model)
    assert run.model.golden is not None
    assert chosen.name == "golden images"
    np.testing.assert_array_equal(chosen.images[chosen.rows], run.model.golden.images)
    assert "digits" in chosen.reason
    synthetic = verification_images(replace(run.model, golden=None))
    assert (synthetic.name, synthetic.images.shape) == ("synthetic images", (32, 28, 28, 1))
    assert "digits" in synthetic.reason
    with pytest.raises(ModelError) as caught:
        read_origin(MODEL)
    assert verification_images(MODEL).reason == str(caught.value)


def test_passed_data_must_be_the_training_data(digits: Path) -> None:
    """Arrays of the training are used if they are passed again; other arrays are an error."""
    images, labels = pictures(200, 1)
    run = train(load((images, labels)), recipe(epochs=1), out=digits.parent / "runs" / "arrays")
    assert verification_images(run.model).name == "golden images"
    assert verification_images(run.model, load((images, labels))).name == "validation images"
    with pytest.raises(DataError, match="changed since training"):
        verification_images(run.model, load((images[::-1], labels[::-1])))


def test_synthetic_images_differ() -> None:
    """The 32 images are uint8, distinct, and the same in every call."""
    images = synthetic_images((9, 8, 3))
    assert images.dtype == np.uint8
    assert images.shape == (32, 9, 8, 3)
    assert len(np.unique(images.reshape(32, -1), axis=0)) == 32
    np.testing.assert_array_equal(images, synthetic_images((9, 8, 3)))
    assert set(images[0].ravel()) == {0}
    assert set(images[3].ravel()) == {255}
