"""Augmentation: each change, the distribution of its random numbers, and what it does not depend on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.engine.augmentation import AUGMENT, Augment, augment_images
from optotype.engine.layers import Dense, Flatten
from optotype.engine.network import Network
from optotype.engine.optimizers import Adam
from optotype.engine.processor import available_isas
from optotype.errors import EngineError
from optotype.randomness import uniform
from tests.engine.augmentation_oracle import augment_image, reflect_positions, source_positions

COUNT = 4000
EVERYTHING = Augment(
    3, "reflect", flip=True, rotation=25.0, scale=0.3, contrast=0.4, brightness=0.2, cutout=4, elastic=20.0
)
_SETTINGS = st.builds(
    Augment,
    shift=st.integers(0, 3),
    padding=st.sampled_from(["zero", "reflect"]),
    flip=st.booleans(),
    rotation=st.just(0.0) | st.floats(0, 180),
    scale=st.just(0.0) | st.floats(0, 0.9),
    contrast=st.just(0.0) | st.floats(0, 1),
    brightness=st.just(0.0) | st.floats(0, 1),
    cutout=st.integers(0, 3),
    elastic=st.just(0.0) | st.floats(0, 60),
    elastic_sigma=st.floats(0.5, 5),
)


def noise_images(n: int, *shape: int) -> NDArray[np.uint8]:
    """Return n images of uniform noise."""
    return np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)


def augment_copies(n: int, augment: Augment, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Augment n copies of an image, each with its own index in the data set."""
    return augment_images(np.broadcast_to(image, (n, *image.shape)), augment, np.arange(n), key=(0, 1))


@given(_SETTINGS, st.integers(4, 20), st.integers(4, 20), st.integers(1, 4), st.integers(0, 2**63 - 1))
def test_augmentation_matches_the_reference(
    augment: Augment, height: int, width: int, channels: int, seed: int
) -> None:
    """Every combination of settings matches the reference implementation in double precision."""
    images = noise_images(3, height, width, channels)
    augmented = augment_images(images, augment, np.arange(3), key=(seed, 7))
    for index in range(3):
        expected = augment_image(images[index] / 255, augment, (seed, 7), index)
        # Coordinates in single precision have an error of about 1e-5 pixels, and a pixel is at most 1. If the image is
        # scaled down to a tenth, coordinates are ten times as large.
        np.testing.assert_allclose(augmented[index], expected, atol=2e-4)


@pytest.mark.parametrize("padding", ["zero", "reflect"])
def test_shifts_and_flips_are_exact_copies(padding: str) -> None:
    """Without rotation or scaling, every pixel is an exact copy of a pixel of the image or of the padding."""
    images = noise_images(200, 9, 11, 3)
    augment = Augment(shift=4, padding=padding, flip=True)  # type: ignore[arg-type] # one of the two
    augmented = augment_images(images, augment, np.arange(200), key=(3, 1))
    mode = {"zero": "constant", "reflect": "reflect"}[padding]
    for index, image in enumerate(images):
        u = uniform(9, 3, 1, AUGMENT, index)
        down, right = (int(offset) for offset in np.floor(u[:2] * 9))
        flipped = image[:, ::-1] if u[2] >= 0.5 else image
        padded = np.pad(flipped, ((4, 4), (4, 4), (0, 0)), mode=mode)  # type: ignore[call-overload] # as above
        expected = padded[8 - down : 17 - down, 8 - right : 19 - right]
        np.testing.assert_array_equal(augmented[index], expected * np.float32(1 / 255))


def test_default_settings_change_no_bit() -> None:
    """An Augment with default settings leaves images unchanged, and training too."""
    images = noise_images(50, 6, 7, 2)
    augmented = augment_images(images, Augment(), np.arange(50), key=(0, 0))
    np.testing.assert_array_equal(augmented, images * np.float32(1 / 255))
    without, with_defaults = (train_weights(images, augment) for augment in (None, Augment()))
    for name, weight in without.items():
        np.testing.assert_array_equal(weight, with_defaults[name])


def test_bytes_and_floats_are_the_same_images() -> None:
    """uint8 images and the same images as float32 in 0..1 have the same augmentation."""
    images = noise_images(20, 8, 8, 3)
    floats = images.astype(np.float32) / np.float32(255)
    from_bytes, from_floats = (
        augment_images(array, EVERYTHING, np.arange(20), key=(0, 0)) for array in (images, floats)
    )
    np.testing.assert_allclose(from_bytes, from_floats, atol=1e-6)


def test_instruction_sets_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """All instruction sets give the same images, up to rounding."""
    images = noise_images(20, 13, 10, 3)
    results = []
    for isa in available_isas():
        monkeypatch.setenv("OPTOTYPE_ISA", isa)
        results.append(augment_images(images, EVERYTHING, np.arange(20), key=(5, 2)))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=1e-4)


def test_augmentation_depends_on_seed_epoch_and_index_only() -> None:
    """Order, other images and other settings do not affect the change of an image."""
    images = noise_images(30, 8, 8, 1)
    augmented = augment_images(images, EVERYTHING, np.arange(30), key=(1, 2))
    indices = np.array([17, 3, 17])
    np.testing.assert_array_equal(augment_images(images, EVERYTHING, indices, key=(1, 2)), augmented[indices])
    with_other_keys = [
        augment_images(images, EVERYTHING, np.arange(30), key=key) for key in ((1, 3), (2, 2), (2, 1))
    ]
    assert all((other_images != augmented).any(axis=(1, 2, 3)).all() for other_images in with_other_keys)
    shift = augment_images(images, Augment(shift=2), np.arange(30), key=(1, 2))
    both = augment_images(images, Augment(shift=2, contrast=1e-9), np.arange(30), key=(1, 2))
    np.testing.assert_allclose(both, shift, atol=1e-6)


def test_all_shifts_are_equally_likely() -> None:
    """Of 4,000 images, about 1/25 has each of the 5 x 5 shifts of at most 2 pixels."""
    image = np.zeros((9, 9, 1), np.uint8)
    image[4, 4] = 255
    augmented = augment_copies(COUNT, Augment(shift=2), image)
    rows, columns = np.divmod(augmented.reshape(COUNT, -1).argmax(axis=1), 9)
    counts = np.bincount((rows - 2) * 5 + columns - 2, minlength=25)
    # A binomial count with mean 160 has a standard deviation of 12.4; the limit is five of them.
    assert abs(counts - COUNT / 25).max() < 62


def test_half_of_the_images_are_flipped() -> None:
    """Half of the images are flipped, within five standard deviations."""
    image = np.zeros((1, 2, 1), np.uint8)
    image[0, 0] = 255
    assert abs(augment_copies(COUNT, Augment(flip=True), image)[:, 0, 1, 0].mean() - 0.5) < 0.04


def test_factors_are_uniformly_distributed() -> None:
    """Brightness, contrast, angle and magnification have the range, mean and variance of a uniform distribution."""
    grey = np.full((4, 4, 1), 51, np.uint8)
    level = augment_copies(COUNT, Augment(brightness=0.2), grey).mean(axis=(1, 2, 3)) - 0.2
    step = np.concatenate([np.full((4, 2, 1), 102, np.uint8), np.full((4, 2, 1), 153, np.uint8)], axis=1)
    contrast = np.ptp(augment_copies(COUNT, Augment(contrast=0.5), step), axis=(1, 2, 3)) * 5 - 1
    ramp = np.broadcast_to(np.arange(0, 250, 10).astype(np.uint8)[:, None], (25, 25, 1))
    rotated = augment_copies(COUNT, Augment(rotation=30.0), ramp)[:, 11:14, 11:14, 0] * 25.5
    angle = np.rad2deg(np.arcsin((rotated[:, 2, 1] - rotated[:, 0, 1]) / 2))
    scaled = augment_copies(COUNT, Augment(scale=0.25), ramp)[:, 12, 11:14, 0] * 25.5
    zoom = 2 / (scaled[:, 2] - scaled[:, 0]) - 1
    for factors, limit in ((level, 0.2), (contrast, 0.5), (angle, 30), (zoom, 0.25)):
        assert abs(factors).max() <= limit * 1.001
        assert abs(factors).max() > limit * 0.99
        assert abs(factors.mean()) < 5 * limit / np.sqrt(3 * COUNT)
        assert factors.var() == pytest.approx(limit**2 / 3, rel=0.1)


def test_cutout_sets_a_square_to_black() -> None:
    """The black square has the given side, is cropped only at the edges, and occurs everywhere."""
    image = np.full((10, 12, 2), 255, np.uint8)
    augmented = augment_copies(COUNT, Augment(cutout=3), image)
    black = (augmented == 0).all(axis=3)
    assert ((augmented == 0).all(axis=3) | (augmented == 1).all(axis=3)).all()
    assert set(np.unique(black.sum(axis=(1, 2)))) == {4, 6, 9}
    middle = black[:, 1:-1, 1:-1].mean(axis=0)
    assert abs(middle - 9 / 120).max() < 0.03


def test_elastic_displacements_have_the_expected_deviation() -> None:
    """Smoothed noise displaces with the standard deviation alpha / sqrt(3) / (2 sigma sqrt(pi)), also at edges."""
    ramp = np.broadcast_to(np.arange(0, 250, 5).astype(np.uint8)[:, None], (50, 50, 1))
    deformed = (
        augment_copies(400, Augment(padding="reflect", elastic=34.0, elastic_sigma=4.0), ramp)[..., 0] * 51
    )
    displacement = deformed - np.arange(50)
    expected = 34 / np.sqrt(3) / (2 * 4 * np.sqrt(np.pi))
    inner = displacement[:, :, 15:35]
    assert abs(inner.mean()) < 0.05
    assert inner.std() == pytest.approx(expected, rel=0.05)
    assert inner[:, 0].std() == pytest.approx(expected, rel=0.1)


def train_weights(
    images: NDArray[np.uint8], augment: Augment | None, threads: int = 2, epochs: tuple[int, ...] = (1, 2)
) -> dict[str, NDArray[np.float32]]:
    """Train a small network for some epochs and return its weights."""
    n = len(images)
    net = Network((Flatten(), Dense(9, "tanh"), Dense(3, "softmax")), images.shape[1:], threads=threads)
    net.initialize(0)
    net.compile(Adam(), 32, augment)
    for epoch in epochs:
        rates = np.full(n, 0.01, np.float32)
        net.train_epoch(images, np.arange(n) % 3, np.arange(n)[::-1], learning_rates=rates, key=(0, epoch))
    return net.weights()


def test_training_uses_the_augmented_images() -> None:
    """An epoch with augmentation gives the same bits as an epoch on the result of `augment_images`."""
    images = noise_images(90, 8, 9, 3)
    augmented = augment_images(images, EVERYTHING, np.arange(90), key=(0, 1))
    expected = train_weights(augmented, None, epochs=(1,))  # type: ignore[arg-type] # floats
    for name, weight in train_weights(images, EVERYTHING, epochs=(1,)).items():
        np.testing.assert_array_equal(weight, expected[name])


def test_number_of_threads_changes_no_bit() -> None:
    """Training with augmentation gives the same bits on 1, 2, 3 and 4 threads."""
    images = noise_images(90, 8, 9, 3)
    first, *other_weights = (train_weights(images, EVERYTHING, threads) for threads in (1, 2, 3, 4))
    for weights in other_weights:
        for name, weight in first.items():
            np.testing.assert_array_equal(weight, weights[name])


def test_prediction_does_not_augment() -> None:
    """Logits are the same whether or not the network was compiled to augment."""
    images = noise_images(40, 8, 8, 1)
    net = Network((Flatten(), Dense(3, "softmax")), (8, 8, 1))
    net.initialize(0)
    plain = net.logits(images)
    net.compile(Adam(), 8, EVERYTHING)
    np.testing.assert_array_equal(net.logits(images), plain)


def test_compiling_again_replaces_the_augmentation() -> None:
    """A network that is compiled again without augmentation trains without it."""
    images = noise_images(40, 8, 8, 1)
    net = Network((Flatten(), Dense(3, "softmax")), (8, 8, 1), threads=1)
    losses = []
    for augment in (EVERYTHING, None, None):
        net.initialize(0)
        net.compile(Adam(), 40, augment)
        rates = np.zeros(1, np.float32)
        totals = net.train_epoch(images, np.arange(40) % 3, np.arange(40), learning_rates=rates, key=(0, 0))
        losses.append(totals.loss)
    assert losses[0] != losses[1] == losses[2]


@pytest.mark.parametrize("name", ["shift", "cutout"])
def test_shift_or_cutout_as_large_as_the_image_is_rejected(name: str) -> None:
    """A shift or cutout as large as the shorter side of the image is rejected, with both numbers in the message."""
    augment = Augment(**{name: 8})  # type: ignore[arg-type] # a number of pixels
    message = rf"augment\.{name} is 8 pixels.*8 x 9"
    with pytest.raises(EngineError, match=message):
        augment_images(noise_images(1, 8, 9, 1), augment, np.zeros(1, int), key=(0, 0))
    with pytest.raises(EngineError, match=message):
        Network((Flatten(), Dense(3, "softmax")), (8, 9, 1)).compile(Adam(), 8, augment)


@pytest.mark.parametrize(
    ("images", "index", "message"),
    [
        (np.zeros((2, 3, 3), np.uint8), 0, "uint8"),
        (np.zeros((2, 3, 3, 1)), 0, "float64"),
        (np.zeros((2, 0, 3, 1), np.uint8), 0, "uint8"),
        (np.zeros((2, 3, 3, 1), np.uint8), 2, "index"),
        (np.zeros((2, 3, 3, 1), np.uint8), -1, "index"),
    ],
)
def test_invalid_arrays_are_rejected(images: NDArray[np.uint8], index: int, message: str) -> None:
    """An array of the wrong type or shape, or an index out of range, is rejected."""
    with pytest.raises(EngineError, match=message):
        augment_images(images, Augment(), np.array([index]), key=(0, 0))


def test_repr_lists_the_non_default_settings() -> None:
    """The text of an Augment lists the settings that differ from the defaults."""
    assert str(Augment(shift=2, flip=True, padding="reflect")) == "shift 2, padding reflect, flip"
    assert str(Augment()) == "nothing"


def test_reference_is_correct() -> None:
    """The reference: identity without settings, the reflection of NumPy, and a counter-clockwise rotation."""
    rows, columns = source_positions(Augment(), [0.0, 0.0, 0.9, 0.5, 0.5], (3, 4))
    np.testing.assert_array_equal(rows[:, 0], [0, 1, 2])
    np.testing.assert_array_equal(columns[0], [0, 1, 2, 3])
    np.testing.assert_array_equal(
        reflect_positions(np.arange(-3, 7), 4), np.pad(np.arange(4), 3, mode="reflect")
    )
    rotated = augment_image(np.arange(9.0).reshape(3, 3, 1) / 9, Augment(rotation=90.0), (0, 0), 0)
    sign = 2 * uniform(9, 0, 0, AUGMENT, 0)[3] - 1
    assert (rotated[1, 1], np.sign(rotated[0, 1, 0] - rotated[2, 1, 0])) == (4 / 9, np.sign(sign))
