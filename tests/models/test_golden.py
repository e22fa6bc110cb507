"""Golden images: a load compares the model's logits with the stored ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.engine.network import Network
from optotype.engine.processor import available_isas
from optotype.errors import ModelError
from optotype.models.golden import GoldenImages
from optotype.models.model import Model
from tests.models.samples import CLASSES, SHAPE, complete_model, small_model

Logits = NDArray[np.float32]


def _golden() -> GoldenImages:
    golden = complete_model().golden
    assert golden is not None
    return golden


def _with_logits(logits: object) -> GoldenImages:
    return GoldenImages(_golden().images, np.asarray(logits, np.float32))


def _save_with_logits(change: Callable[[Logits], Logits], path: Path) -> Path:
    """Save the model with changed logits of its golden images."""
    replace(complete_model(), golden=_with_logits(change(_golden().logits))).save(path)
    return path


def test_round_trip(tmp_path: Path) -> None:
    """Loaded golden images and logits are equal bit for bit."""
    complete_model().save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m").golden
    assert loaded is not None
    np.testing.assert_array_equal(loaded.images, _golden().images)
    np.testing.assert_array_equal(loaded.logits, _golden().logits)


def test_saving_without_golden_images(tmp_path: Path) -> None:
    """A file that is saved without golden images has no pixel of them, loads, and predicts the same."""
    complete_model().save(tmp_path / "m", golden=False)
    loaded = Model.load(tmp_path / "m")
    assert loaded.golden is None
    assert b"golden.images" not in (tmp_path / "m").read_bytes()
    assert _golden().images[0].tobytes() not in (tmp_path / "m").read_bytes()
    images = _golden().images
    np.testing.assert_array_equal(loaded.predict_proba(images), complete_model().predict_proba(images))


@pytest.mark.parametrize("isa", available_isas())
def test_every_instruction_set_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isa: str) -> None:
    """A file that was saved on one instruction set passes the check on every other."""
    complete_model().save(tmp_path / "m")
    monkeypatch.setenv("OPTOTYPE_ISA", isa)
    assert Model.load(tmp_path / "m").network.isa == isa


def test_changed_weight(tmp_path: Path) -> None:
    """A changed weight raises a ModelError that names file, difference, tolerance and advice."""
    model = complete_model()
    weights = {**model.weights, "3.bias": model.weights["3.bias"] + np.float32(0.25)}
    replace(model, weights=weights).save(tmp_path / "m")
    with pytest.raises(ModelError) as caught:
        Model.load(tmp_path / "m")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'm'}: ")
    assert "32 of its 32 golden images" in message
    assert "image 0 differ by up to 0.25, expected at most" in message
    assert "Copy the file again" in message
    assert "OPTOTYPE_ISA=portable" in message


def test_tolerance(tmp_path: Path) -> None:
    """A logit may differ by up to 1e-4 of the largest absolute logit of its image, whatever its own size."""
    largest = np.abs(_golden().logits).max(axis=1, keepdims=True)
    smallest = np.abs(_golden().logits).argmin(axis=1) == np.arange(3)[:, np.newaxis]
    Model.load(
        _save_with_logits(lambda logits: logits + np.float32(0.8e-4) * largest * smallest.T, tmp_path / "a")
    )
    with pytest.raises(ModelError, match="gives other logits"):
        Model.load(
            _save_with_logits(
                lambda logits: logits + np.float32(1.3e-4) * largest * smallest.T, tmp_path / "b"
            )
        )


@pytest.mark.parametrize(("gap", "refused"), [(0.9e-5, False), (2e-5, True)])
def test_ties(gap: float, refused: bool) -> None:
    """The predicted class may change if the two largest logits differ by less than 1e-5, and not otherwise."""
    network = Network(small_model().layers, SHAPE, threads=1)
    bias = np.array([1, 1, 0], np.float32)
    zero = {name: np.zeros_like(weight) for name, weight in small_model().weights.items()}
    network.set_weights({**zero, "3.bias": bias})
    golden = _with_logits(np.tile(bias + np.array([0, gap, 0], np.float32), (32, 1)))
    if refused:
        with pytest.raises(ModelError, match="32 of its 32"):
            golden.verify(network)
    else:
        golden.verify(network)


def test_logits_that_are_not_finite() -> None:
    """Weights with which a logit overflows raise a ModelError, without a warning."""
    network = Network(small_model().layers, SHAPE, threads=1)
    weights = small_model().weights
    huge = {name: np.full_like(weights[name], 3e38) for name in ("2.bias", "3.kernel")}
    network.set_weights({**weights, **huge})
    with pytest.raises(ModelError, match="gives other logits"):
        _golden().verify(network)
    with pytest.raises(ModelError, match="A logit of a golden image is not finite"):
        GoldenImages.compute(network, _golden().images)


@pytest.mark.parametrize(
    ("images", "logits"),
    [
        (np.zeros((2, *SHAPE), np.float32), np.zeros((2, 3), np.float32)),
        (np.zeros((2, 12), np.uint8), np.zeros((2, 3), np.float32)),
        (np.zeros((2, *SHAPE), np.uint8), np.zeros((2, 3))),
        (np.zeros((2, *SHAPE), np.uint8), np.zeros((3, 3), np.float32)),
        (np.zeros((0, *SHAPE), np.uint8), np.zeros((0, 3), np.float32)),
        (np.zeros((33, *SHAPE), np.uint8), np.zeros((33, 3), np.float32)),
    ],
)
def test_invalid_golden_images(images: NDArray[np.uint8], logits: Logits) -> None:
    """Other dtypes and shapes, and other numbers of images than 1 to 32, raise a ModelError."""
    with pytest.raises(ModelError, match="expected 1 to 32 images as uint8"):
        GoldenImages(images, logits)


def test_golden_images_of_another_model() -> None:
    """A model with golden images of another shape or another number of classes raises a ModelError."""
    model = small_model()
    for images, logits in (((1, 3, 4, 1), (1, 3)), ((1, *SHAPE), (1, 4))):
        golden = GoldenImages(np.zeros(images, np.uint8), np.zeros(logits, np.float32))
        with pytest.raises(ModelError, match="The golden images have shape"):
            Model(model.recipe, SHAPE, CLASSES, model.weights, golden=golden)


def test_read_only() -> None:
    """Images and logits are copies of the arguments, and read-only."""
    images = np.zeros((1, *SHAPE), np.uint8)
    golden = GoldenImages(images, np.zeros((1, 3), np.float32))
    images[:] = 1
    assert not golden.images.any()
    for array in (golden.images, golden.logits):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 1


def test_network_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the network cannot be built, loading raises a ModelError that names the file."""
    complete_model().save(tmp_path / "m")
    monkeypatch.setattr("optotype.engine.network.MAX_FEATURES", 8)
    with pytest.raises(ModelError, match=r"m: .*12.* 8"):
        Model.load(tmp_path / "m")
