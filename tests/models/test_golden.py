"""Golden images: a file that no longer says what it said is refused, and one that does is not."""

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
from tests.models.samples import CLASSES, SHAPE, small_model, whole_model

Logits = NDArray[np.float32]


def _golden() -> Golden:
    golden = whole_model().golden
    assert golden is not None
    return golden


def _saying(logits: object) -> Golden:
    return GoldenImages(_golden().images, np.asarray(logits, np.float32))


def _resaid(change: Callable[[Logits], Logits], path: Path) -> Path:
    """Save the model with other logits of its golden images."""
    replace(whole_model(), golden=_saying(change(_golden().logits))).save(path)
    return path


def test_they_survive(tmp_path: Path) -> None:
    """The golden images and their logits come back from the file, to the bit."""
    whole_model().save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m").golden
    assert loaded is not None
    np.testing.assert_array_equal(loaded.images, _golden().images)
    np.testing.assert_array_equal(loaded.logits, _golden().logits)


def test_a_file_without_them(tmp_path: Path) -> None:
    """Saved without golden images, a file holds nothing of them, loads, and predicts the same."""
    whole_model().save(tmp_path / "m", golden=False)
    loaded = Model.load(tmp_path / "m")
    assert loaded.golden is None
    assert b"golden.images" not in (tmp_path / "m").read_bytes()
    assert _golden().images[0].tobytes() not in (tmp_path / "m").read_bytes()
    images = _golden().images
    np.testing.assert_array_equal(loaded.predict_proba(images), whole_model().predict_proba(images))


@pytest.mark.parametrize("isa", available_isas())
def test_every_instruction_set_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isa: str
) -> None:
    """A file that was saved on one instruction set loads on every other, and is asked again on that one."""
    whole_model().save(tmp_path / "m")
    monkeypatch.setenv("OPTOTYPE_ISA", isa)
    assert Model.load(tmp_path / "m").network.isa == isa


def test_a_changed_weight_is_seen(tmp_path: Path) -> None:
    """A weight that is another is refused, with the file, the difference, what was allowed and what to do."""
    model = whole_model()
    weights = {**model.weights, "3.bias": model.weights["3.bias"] + np.float32(0.25)}
    replace(model, weights=weights).save(tmp_path / "m")
    with pytest.raises(ModelError) as caught:
        Model.load(tmp_path / "m")
    said = str(caught.value)
    assert said.startswith(
        f"{tmp_path / 'm'}: The model no longer says what it said of 32 of its 32 golden images"
    )
    assert "image 0 differ by up to 0.25, expected at most" in said
    assert "Copy the file again" in said
    assert "OPTOTYPE_ISA=portable" in said


def test_the_tolerance(tmp_path: Path) -> None:
    """A logit may differ by less than 1e-4 of the largest of its image, whatever its own size, and by no more."""
    largest = np.abs(_golden().logits).max(axis=1, keepdims=True)
    smallest = np.abs(_golden().logits).argmin(axis=1) == np.arange(3)[:, np.newaxis]
    Model.load(_resaid(lambda logits: logits + np.float32(0.8e-4) * largest * smallest.T, tmp_path / "a"))
    with pytest.raises(ModelError, match="no longer says"):
        Model.load(_resaid(lambda logits: logits + np.float32(1.3e-4) * largest * smallest.T, tmp_path / "b"))


@pytest.mark.parametrize(("gap", "refused"), [(0.9e-5, False), (2e-5, True)])
def test_ties_may_change_places(gap: float, refused: bool) -> None:
    """The two best may change places where they were nearer than 1e-5, and not where they were farther apart."""
    network = Network(small_model().layers, SHAPE, threads=1)
    bias = np.array([1, 1, 0], np.float32)
    zero = {name: np.zeros_like(weight) for name, weight in small_model().weights.items()}
    network.set_weights({**zero, "3.bias": bias})
    golden = _saying(np.tile(bias + np.array([0, gap, 0], np.float32), (32, 1)))
    if refused:
        with pytest.raises(ModelError, match="of 32 of its 32"):
            golden.replay(network)
    else:
        golden.replay(network)


def test_no_number_is_no_agreement() -> None:
    """Weights with which a logit overflows are refused, without a warning."""
    network = Network(small_model().layers, SHAPE, threads=1)
    weights = small_model().weights
    huge = {name: np.full_like(weights[name], 3e38) for name in ("2.bias", "3.kernel")}
    network.set_weights({**weights, **huge})
    with pytest.raises(ModelError, match="no longer says"):
        _golden().replay(network)
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
def test_what_is_no_golden_image(images: NDArray[np.uint8], logits: Logits) -> None:
    """Other types, shapes and numbers of images than 1 to 32 are refused."""
    with pytest.raises(ModelError, match="expected 1 to 32 images as uint8"):
        GoldenImages(images, logits)


def test_they_must_be_of_the_model() -> None:
    """Golden images of another shape, or with logits of other classes, make no model."""
    model = small_model()
    for images, logits in (((1, 3, 4, 1), (1, 3)), ((1, *SHAPE), (1, 4))):
        golden = GoldenImages(np.zeros(images, np.uint8), np.zeros(logits, np.float32))
        with pytest.raises(ModelError, match="The golden images have shape"):
            Model(model.recipe, SHAPE, CLASSES, model.weights, golden=golden)


def test_they_are_read_only() -> None:
    """Neither images nor logits change with the arrays that they were made of, nor through the model's."""
    images = np.zeros((1, *SHAPE), np.uint8)
    golden = GoldenImages(images, np.zeros((1, 3), np.float32))
    images[:] = 1
    assert not golden.images.any()
    for array in (golden.images, golden.logits):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 1


def test_a_network_that_is_too_large_is_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no network can be built to ask, loading says so and names the file."""
    whole_model().save(tmp_path / "m")
    monkeypatch.setattr("optotype.engine.network._MOST_FEATURES", 8)
    with pytest.raises(ModelError, match=r"m: A layer makes 12 numbers of one image, expected at most 8"):
        Model.load(tmp_path / "m")
