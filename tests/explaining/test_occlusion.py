"""Occlusion maps of models with known explanations."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from optotype.engine.layers import Conv2D, Dense, Flatten
from optotype.errors import DataError, ModelError
from optotype.explaining.occlusion import log_odds, mean_colour, occlusion, occlusion_map
from optotype.metrics import softmax
from optotype.models.calibration import Calibration
from optotype.recipes.recipe import Recipe
from tests.explaining.samples import linear_model
from tests.models.samples import calibrated_model, small_model

Wide = NDArray[np.float64]


def expected_map(weights: Wide, image: Wide, fill: Wide, patch: int, stride: int) -> Wide:
    """Return the map of a weighted sum, computed pixel by pixel: the mean loss to the patches over the pixel."""
    height, width = image.shape[:2]
    loss = ((image - fill) * weights).sum(axis=2)
    tops = sorted({*range(0, max(height - patch, 0), stride), max(height - patch, 0)})
    lefts = sorted({*range(0, max(width - patch, 0), stride), max(width - patch, 0)})
    expected = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            losses = [
                loss[top : top + patch, left : left + patch].sum()
                for top in tops
                for left in lefts
                if top <= y < top + patch and left <= x < left + patch
            ]
            expected[y, x] = np.mean(losses)
    return expected


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, int, int], int, int, int]:
    """Return the shape of an image, a patch that may be larger, a stride and a seed."""
    shape = draw(st.integers(1, 14)), draw(st.integers(1, 14)), draw(st.sampled_from([1, 3]))
    patch = draw(st.integers(1, 16))
    return shape, patch, draw(st.integers(1, patch)), draw(st.integers(0, 2**31))


@settings(max_examples=60)
@given(cases())
def test_the_map_of_a_weighted_sum(case: tuple[tuple[int, int, int], int, int, int]) -> None:
    """The map of a sum of weighted pixels has the expected numbers for every shape, patch and stride."""
    shape, patch, stride, seed = case
    rng = np.random.default_rng(seed)
    weights, image, fill = rng.normal(size=shape), *rng.random((2, *shape), dtype=np.float32)
    result = occlusion_map(lambda images: (images * weights).sum(axis=(1, 2, 3)), image, fill, patch, stride)
    expected = expected_map(weights, image.astype(float), fill.astype(float), patch, stride)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=25)
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_the_map_of_a_linear_model(shape: tuple[int, int, int], as_bytes: bool, seed: int) -> None:
    """With two classes, the map has sums of weights times the difference of pixels from the mean colour."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=shape).astype(np.float32)
    image = rng.integers(0, 256, shape, np.uint8) if as_bytes else rng.random(shape, dtype=np.float32)
    result = occlusion(linear_model(weights), image, "a", stride=1)
    unit, fill = (each / 255 if as_bytes else each.astype(float) for each in (image, mean_colour(image)))
    expected = expected_map(weights.astype(float), unit, fill, result.patch, 1)
    assert result.patch == max(1, round((shape[0] * shape[1]) ** 0.5 / 6))
    np.testing.assert_allclose(result.attribution, expected, rtol=1e-3, atol=1e-4)
    other = occlusion(linear_model(weights), image, "b", stride=1)
    np.testing.assert_allclose(other.attribution, -result.attribution, rtol=1e-3, atol=1e-4)


def test_the_map_peaks_at_the_only_pixel_that_matters() -> None:
    """If a model uses one pixel, the map is zero a patch away from it, and highest at it."""
    weights = np.zeros((28, 28, 1), np.float32)
    weights[9, 17] = 5
    image = np.zeros((28, 28), np.uint8)
    image[9, 17] = 255
    result = occlusion(linear_model(weights), image)
    assert (result.label, result.patch, result.attribution.shape) == ("a", 5, (28, 28))
    assert result.attribution[9, 17] == result.attribution.max() == pytest.approx(5, rel=0.01)
    nearby = np.zeros((28, 28), np.bool_)
    nearby[5:14, 13:22] = True  # less than a patch away
    assert not result.attribution[~nearby].any()


def test_empty_pixels_can_support_a_class() -> None:
    """Empty pixels with negative weights support the class."""
    weights = np.zeros((12, 12, 1), np.float32)
    weights[2, 2] = -5
    image = np.zeros((12, 12), np.uint8)
    image[8:, 8:] = 255
    result = occlusion(linear_model(weights), image, "a")
    assert result.attribution.argmax() == 2 * 12 + 2


def test_the_map_of_a_blank_image_is_zero() -> None:
    """The patch has the colour of a blank image, so covering changes nothing."""
    model = small_model()
    for image in (np.full((4, 3), 77, np.uint8), np.zeros((4, 3), np.float32)):
        assert not occlusion(model, image).attribution.any()


def test_the_default_label_is_the_predicted_class() -> None:
    """Without a label the predicted class is explained; with a label, that class."""
    model = calibrated_model()
    image = np.random.default_rng(3).integers(0, 256, (4, 3), np.uint8)
    predicted = model.predict([image])[0].label
    assert occlusion(model, image).label == predicted
    np.testing.assert_array_equal(
        occlusion(model, image).attribution, occlusion(model, image, predicted).attribution
    )
    maps = [occlusion(model, image, name).attribution for name in model.class_names]
    assert not np.array_equal(maps[0], maps[1])


def test_log_odds_are_of_the_calibrated_probability() -> None:
    """They equal log(p / (1 - p)) of the calibrated p for every class."""
    model = calibrated_model()
    assert model.calibration is not None
    logits = np.random.default_rng(0).normal(0, 3, (20, 3)).astype(np.float32)
    probabilities = model.calibration.probabilities(logits)
    for index in range(3):
        p = probabilities[:, index]
        np.testing.assert_allclose(log_odds(model, logits, index), np.log(p / (1 - p)), rtol=1e-5, atol=1e-5)
    plain = softmax(logits)[:, 0]
    np.testing.assert_allclose(log_odds(small_model(), logits, 0), np.log(plain / (1 - plain)), rtol=1e-9)


def test_evidence_is_measured_at_probability_one() -> None:
    """A drop is measured even if the probability is 1 to the last bit with and without a part."""
    weights = np.zeros((12, 12, 1), np.float32)
    weights[:, :6] = 40
    image = np.zeros((12, 12), np.uint8)
    image[:, :6] = 255
    model = linear_model(weights)
    covered = image.copy()
    covered[0:2, 0:2] = mean_colour(image[..., np.newaxis])[0, 0]
    assert (model.probabilities(model.logits([image, covered]))[:, 0] == 1).all()
    assert occlusion(model, image).attribution[1, 1] > 10


def test_logits_can_be_a_function() -> None:
    """A function for the logits is called with a few images at a time, and the map is the same."""
    recipe = Recipe(layers=(Conv2D(2, 3, activation="relu"), Flatten(), Dense(4, "relu")))
    model = small_model(recipe=recipe, shape=(64, 64, 3))
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes: list[int] = []

    def logits_of(images: NDArray[Any]) -> NDArray[np.float32]:
        sizes.append(len(images))
        return model.network.logits(images)

    np.testing.assert_array_equal(
        occlusion(model, image, logits=logits_of).attribution, occlusion(model, image).attribution
    )
    assert max(sizes) * image.size <= 1 << 17
    assert 100 < sum(sizes) <= 2 + 200


def test_a_calls_error_ends_the_map() -> None:
    """What the caller's function raises comes through, so that a server can end the work."""

    def stop(_: NDArray[Any]) -> NDArray[np.float32]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        occlusion(small_model(), np.zeros((4, 3), np.uint8), logits=stop)


@pytest.mark.parametrize(
    "shape", [(28, 28, 1), (32, 32, 3), (128, 128, 3), (3, 400, 1), (1, 1, 1), (2, 2, 3)]
)
def test_about_200_patches_are_enough(shape: tuple[int, int, int]) -> None:
    """By default at most 200 patches are predicted, beside the image itself."""
    images: list[int] = []
    model = linear_model(np.ones(shape, np.float32))

    def logits_of(batch: NDArray[Any]) -> NDArray[np.float32]:
        images.append(len(batch))
        return np.zeros((len(batch), 2), np.float32)

    occlusion(model, np.zeros(shape, np.uint8), "a", logits=logits_of)
    assert sum(images) <= 1 + 200


def test_an_image_file_gives_the_map_of_its_pixels() -> None:
    """The bytes of an image file give the same map as its pixels; the array that is passed is not modified."""
    image = np.random.default_rng(0).integers(0, 256, (12, 12), np.uint8)
    before = image.copy()
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    model = linear_model(np.random.default_rng(1).normal(size=(12, 12, 1)).astype(np.float32))
    np.testing.assert_array_equal(
        occlusion(model, file.getvalue()).attribution, occlusion(model, image).attribution
    )
    np.testing.assert_array_equal(image, before)


def test_invalid_arguments_raise_errors() -> None:
    """Unknown classes, invalid patches, other shapes, models of one class and NaN logits raise errors."""
    model, image = small_model(), np.zeros((4, 3), np.uint8)
    with pytest.raises(DataError, match=r"Unknown class 'ona'\. Did you mean 'one'\?"):
        occlusion(model, image, "ona")
    with pytest.raises(DataError, match="patch is 0 pixels, expected at least 1"):
        occlusion(model, image, patch=0)
    for stride in (0, 3):
        with pytest.raises(DataError, match=f"stride is {stride} pixels, expected 1 to 2"):
            occlusion(model, image, patch=2, stride=stride)
    with pytest.raises(DataError, match="shape"):
        occlusion(model, np.zeros((5, 3), np.uint8))
    single = linear_model(np.ones((4, 3, 1), np.float32), classes=1)
    with pytest.raises(ModelError, match="1 class"):
        occlusion(single, image)
    with pytest.raises(ModelError, match="not finite"):
        occlusion(model, image, logits=lambda images: np.full((len(images), 3), np.nan, np.float32))


def test_calibration_scales_the_map() -> None:
    """With two classes, a temperature of 2 halves every number."""
    weights = np.random.default_rng(1).normal(size=(8, 8, 1)).astype(np.float32)
    image = np.random.default_rng(2).integers(0, 256, (8, 8), np.uint8)
    calibrated = linear_model(weights, Calibration(2.0, np.linspace(0, 1, 60)))
    plain = linear_model(weights)
    scaled, unscaled = (occlusion(model, image, "a").attribution for model in (calibrated, plain))
    np.testing.assert_allclose(scaled, unscaled / 2, rtol=1e-4, atol=1e-6)
