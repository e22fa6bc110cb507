"""Augmentation: what each change is, how its numbers are spread, and that nothing else has a part in it."""

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
from optotype.engine.randomness import uniform
from optotype.errors import EngineError
from tests.engine.augmentation_oracle import changed, places, reflected

MANY = 4000
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


def pictures(n: int, *shape: int) -> NDArray[np.uint8]:
    """Make images of noise."""
    return np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)


def shown(n: int, augment: Augment, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Show one image as n places of a data set would be changed."""
    return augment_images(np.broadcast_to(image, (n, *image.shape)), augment, np.arange(n), key=(0, 1))


@given(_SETTINGS, st.integers(4, 20), st.integers(4, 20), st.integers(1, 4), st.integers(0, 2**63 - 1))
def test_images_are_changed_as_described(
    augment: Augment, height: int, width: int, channels: int, seed: int
) -> None:
    """Every combination of changes gives what the description, followed in double precision, gives."""
    images = pictures(3, height, width, channels)
    found = augment_images(images, augment, np.arange(3), key=(seed, 7))
    for place in range(3):
        expected = changed(images[place] / 255, augment, (seed, 7), place)
        # Coordinates in single precision are known to about 1e-5 pixels, and a pixel is at most 1; scaled down to a
        # tenth, coordinates are ten times as large.
        np.testing.assert_allclose(found[place], expected, atol=2e-4)


@pytest.mark.parametrize("padding", ["zero", "reflect"])
def test_shifts_and_flips_are_exact_copies(padding: str) -> None:
    """Without a turn or scaling every pixel is one of the image's, to the bit, or one of the padding's."""
    images = pictures(200, 9, 11, 3)
    augment = Augment(shift=4, padding=padding, flip=True)  # type: ignore[arg-type] # one of the two
    found = augment_images(images, augment, np.arange(200), key=(3, 1))
    mode = {"zero": "constant", "reflect": "reflect"}[padding]
    for place, image in enumerate(images):
        u = uniform(9, 3, 1, AUGMENT, place)
        down, right = (int(each) for each in np.floor(u[:2] * 9))
        flipped = image[:, ::-1] if u[2] >= 0.5 else image
        padded = np.pad(flipped, ((4, 4), (4, 4), (0, 0)), mode=mode)  # type: ignore[call-overload] # as above
        seen = padded[8 - down : 17 - down, 8 - right : 19 - right]
        np.testing.assert_array_equal(found[place], seen * np.float32(1 / 255))


def test_augmenting_in_no_way_changes_no_bit() -> None:
    """An Augment of defaults leaves images, and a training, as they are without one."""
    images = pictures(50, 6, 7, 2)
    found = augment_images(images, Augment(), np.arange(50), key=(0, 0))
    np.testing.assert_array_equal(found, images * np.float32(1 / 255))
    plain, other = (trained(images, augment) for augment in (None, Augment()))
    for name, weight in plain.items():
        np.testing.assert_array_equal(weight, other[name])


def test_bytes_and_floats_are_the_same_images() -> None:
    """uint8 images and the same as float32 in 0..1 are changed alike."""
    images = pictures(20, 8, 8, 3)
    floats = images.astype(np.float32) / np.float32(255)
    one, other = (augment_images(each, EVERYTHING, np.arange(20), key=(0, 0)) for each in (images, floats))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_instruction_sets_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """On every instruction set the same changes are made, to rounding."""
    images = pictures(20, 13, 10, 3)
    found = []
    for isa in available_isas():
        monkeypatch.setenv("OPTOTYPE_ISA", isa)
        found.append(augment_images(images, EVERYTHING, np.arange(20), key=(5, 2)))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-4)


def test_an_image_meets_the_same_change_in_whatever_company() -> None:
    """A change is a function of seed, epoch and place: order, neighbours and other settings have no part in it."""
    images = pictures(30, 8, 8, 1)
    whole = augment_images(images, EVERYTHING, np.arange(30), key=(1, 2))
    some = np.array([17, 3, 17])
    np.testing.assert_array_equal(augment_images(images, EVERYTHING, some, key=(1, 2)), whole[some])
    others = [augment_images(images, EVERYTHING, np.arange(30), key=key) for key in ((1, 3), (2, 2), (2, 1))]
    assert all((other != whole).any(axis=(1, 2, 3)).all() for other in others)
    shift = augment_images(images, Augment(shift=2), np.arange(30), key=(1, 2))
    both = augment_images(images, Augment(shift=2, contrast=1e-9), np.arange(30), key=(1, 2))
    np.testing.assert_allclose(both, shift, atol=1e-6)


def test_every_shift_is_as_likely() -> None:
    """Of 4,000 images about a 25th moves by each of the 5 x 5 shifts of at most 2 pixels."""
    image = np.zeros((9, 9, 1), np.uint8)
    image[4, 4] = 255
    found = shown(MANY, Augment(shift=2), image)
    rows, columns = np.divmod(found.reshape(MANY, -1).argmax(axis=1), 9)
    counts = np.bincount((rows - 2) * 5 + columns - 2, minlength=25)
    # A binomial count of mean 160 has a standard deviation of 12.4; five of them are left to chance.
    assert abs(counts - MANY / 25).max() < 62


def test_half_of_the_images_are_flipped() -> None:
    """Flips come to half of the images, within five standard deviations."""
    image = np.zeros((1, 2, 1), np.uint8)
    image[0, 0] = 255
    assert abs(shown(MANY, Augment(flip=True), image)[:, 0, 1, 0].mean() - 0.5) < 0.04


def test_factors_are_spread_evenly() -> None:
    """Brightness, contrast, angle and magnification are uniform: their range, mean and variance are."""
    grey = np.full((4, 4, 1), 51, np.uint8)
    level = shown(MANY, Augment(brightness=0.2), grey).mean(axis=(1, 2, 3)) - 0.2
    step = np.concatenate([np.full((4, 2, 1), 102, np.uint8), np.full((4, 2, 1), 153, np.uint8)], axis=1)
    contrast = np.ptp(shown(MANY, Augment(contrast=0.5), step), axis=(1, 2, 3)) * 5 - 1
    ramp = np.broadcast_to(np.arange(0, 250, 10).astype(np.uint8)[:, None], (25, 25, 1))
    seen = shown(MANY, Augment(rotation=30.0), ramp)[:, 11:14, 11:14, 0] * 25.5
    angle = np.rad2deg(np.arcsin((seen[:, 2, 1] - seen[:, 0, 1]) / 2))
    seen = shown(MANY, Augment(scale=0.25), ramp)[:, 12, 11:14, 0] * 25.5
    zoom = 2 / (seen[:, 2] - seen[:, 0]) - 1
    for numbers, most in ((level, 0.2), (contrast, 0.5), (angle, 30), (zoom, 0.25)):
        assert abs(numbers).max() <= most * 1.001
        assert abs(numbers).max() > most * 0.99
        assert abs(numbers.mean()) < 5 * most / np.sqrt(3 * MANY)
        assert numbers.var() == pytest.approx(most**2 / 3, rel=0.1)


def test_cutout_blackens_a_square_somewhere() -> None:
    """The black square has the side that was asked for, is cut off only by the edges, and is everywhere."""
    image = np.full((10, 12, 2), 255, np.uint8)
    found = shown(MANY, Augment(cutout=3), image)
    black = (found == 0).all(axis=3)
    assert ((found == 0).all(axis=3) | (found == 1).all(axis=3)).all()
    assert set(np.unique(black.sum(axis=(1, 2)))) == {4, 6, 9}
    middle = black[:, 1:-1, 1:-1].mean(axis=0)
    assert abs(middle - 9 / 120).max() < 0.03


def test_elastic_moves_pixels_as_far_as_simard_says() -> None:
    """Displacements by smoothed noise have the spread alpha / sqrt(3) / (2 sigma sqrt(pi)), at the edges too."""
    ramp = np.broadcast_to(np.arange(0, 250, 5).astype(np.uint8)[:, None], (50, 50, 1))
    seen = shown(400, Augment(padding="reflect", elastic=34.0, elastic_sigma=4.0), ramp)[..., 0] * 51
    moved = seen - np.arange(50)
    expected = 34 / np.sqrt(3) / (2 * 4 * np.sqrt(np.pi))
    inner = moved[:, :, 15:35]
    assert abs(inner.mean()) < 0.05
    assert inner.std() == pytest.approx(expected, rel=0.05)
    assert inner[:, 0].std() == pytest.approx(expected, rel=0.1)


def trained(
    images: NDArray[np.uint8], augment: Augment | None, threads: int = 2, epochs: tuple[int, ...] = (1, 2)
) -> dict[str, NDArray[np.float32]]:
    """Train a small network for some epochs and give its weights."""
    n = len(images)
    net = Network((Flatten(), Dense(9, "tanh"), Dense(3, "softmax")), images.shape[1:], threads=threads)
    net.initialize(0)
    net.compile(Adam(), 32, augment)
    for epoch in epochs:
        rates = np.full(n, 0.01, np.float32)
        net.train_epoch(images, np.arange(n) % 3, np.arange(n)[::-1], learning_rates=rates, key=(0, epoch))
    return net.weights()


def test_training_sees_what_is_shown() -> None:
    """An epoch over images that change is, to the bit, an epoch over what `augmented` shows of them."""
    images = pictures(90, 8, 9, 3)
    seen = augment_images(images, EVERYTHING, np.arange(90), key=(0, 1))
    one, other = trained(images, EVERYTHING, epochs=(1,)), trained(seen, None, epochs=(1,))  # type: ignore[arg-type] # floats
    for name, weight in one.items():
        np.testing.assert_array_equal(weight, other[name])


def test_threads_change_no_bit() -> None:
    """Training on changed images ends in the same bits on 1, 2, 3 and 4 threads."""
    images = pictures(90, 8, 9, 3)
    first, *others = (trained(images, EVERYTHING, threads) for threads in (1, 2, 3, 4))
    for other in others:
        for name, weight in first.items():
            np.testing.assert_array_equal(weight, other[name])


def test_prediction_changes_no_image() -> None:
    """Logits are the same whether or not the network was compiled to augment."""
    images = pictures(40, 8, 8, 1)
    net = Network((Flatten(), Dense(3, "softmax")), (8, 8, 1))
    net.initialize(0)
    plain = net.logits(images)
    net.compile(Adam(), 8, EVERYTHING)
    np.testing.assert_array_equal(net.logits(images), plain)


def test_compiling_again_without_it_ends_it() -> None:
    """A network that is compiled again trains as it is told then."""
    images = pictures(40, 8, 8, 1)
    net = Network((Flatten(), Dense(3, "softmax")), (8, 8, 1), threads=1)
    losses = []
    for augment in (EVERYTHING, None, None):
        net.initialize(0)
        net.compile(Adam(), 40, augment)
        rates = np.zeros(1, np.float32)
        done = net.train_epoch(images, np.arange(40) % 3, np.arange(40), learning_rates=rates, key=(0, 0))
        losses.append(done.loss)
    assert losses[0] != losses[1] == losses[2]


@pytest.mark.parametrize("name", ["shift", "cutout"])
def test_a_change_as_large_as_the_image_is_refused(name: str) -> None:
    """A shift or cutout of the image's shorter side is refused with both numbers, by whoever would use it."""
    augment = Augment(**{name: 8})  # type: ignore[arg-type] # a number of pixels
    sentence = rf"augment\.{name} is 8 pixels, but the images have 8 x 9, expected less than 8"
    with pytest.raises(EngineError, match=sentence):
        augment_images(pictures(1, 8, 9, 1), augment, np.zeros(1, int), key=(0, 0))
    with pytest.raises(EngineError, match=sentence):
        Network((Flatten(), Dense(3, "softmax")), (8, 9, 1)).compile(Adam(), 8, augment)


@pytest.mark.parametrize(
    ("images", "place", "sentence"),
    [
        (np.zeros((2, 3, 3), np.uint8), 0, "Images of type uint8 and shape"),
        (np.zeros((2, 3, 3, 1)), 0, "Images of type float64"),
        (np.zeros((2, 0, 3, 1), np.uint8), 0, "expected uint8 or float32 of shape"),
        (np.zeros((2, 3, 3, 1), np.uint8), 2, "a place names an image that does not exist"),
        (np.zeros((2, 3, 3, 1), np.uint8), -1, "a place names an image that does not exist"),
    ],
)
def test_wrong_arrays_are_refused(images: NDArray[np.uint8], place: int, sentence: str) -> None:
    """What would lead out of memory is refused in a sentence."""
    with pytest.raises(EngineError, match=sentence):
        augment_images(images, Augment(), np.array([place]), key=(0, 0))


def test_an_augment_says_what_it_does() -> None:
    """In words an Augment is what differs from none."""
    assert str(Augment(shift=2, flip=True, padding="reflect")) == "shift 2, padding reflect, flip"
    assert str(Augment()) == "nothing"


def test_the_oracle_reads_where_it_should() -> None:
    """The oracle itself: identity without a change, NumPy's reflection, and a quarter turn counter-clockwise."""
    rows, columns = places(Augment(), [0.0, 0.0, 0.9, 0.5, 0.5], (3, 4))
    np.testing.assert_array_equal(rows[:, 0], [0, 1, 2])
    np.testing.assert_array_equal(columns[0], [0, 1, 2, 3])
    np.testing.assert_array_equal(reflected(np.arange(-3, 7), 4), np.pad(np.arange(4), 3, mode="reflect"))
    turned = changed(np.arange(9.0).reshape(3, 3, 1) / 9, Augment(rotation=90.0), (0, 0), 0)
    share = 2 * uniform(9, 0, 0, AUGMENT, 0)[3] - 1
    assert (turned[1, 1], np.sign(turned[0, 1, 0] - turned[2, 1, 0])) == (4 / 9, np.sign(share))
