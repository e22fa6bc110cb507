"""Outliers in brightness and contrast."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.checking.outliers import brightness_outliers, size_outliers
from tests.checking.samples import textured


def test_a_usual_set_has_none() -> None:
    """Pictures that are as bright as the others are no outliers."""
    assert brightness_outliers(textured()) == []


def test_odd_pictures_are_named_with_what_is_odd() -> None:
    """Too bright, too dark, flat and one-coloured pictures are found, and each is told what it is."""
    images = textured().images.copy()
    images[3] = np.minimum(images[3].astype(int) + 130, 255)
    images[5] //= 6
    images[7] = images[7] // 8 + 90
    images[9] = 99
    found = {
        finding.pictures[0].index: finding.message for finding in brightness_outliers(textured(images=images))
    }
    assert sorted(found) == [3, 5, 7, 9]
    assert found[3].startswith("Brighter than is usual")
    assert found[5].startswith("Darker")
    assert found[7].startswith("Flatter")
    assert found[9] == "All of one colour."


def test_a_set_of_one_brightness_is_no_set_of_outliers() -> None:
    """Where brightness hardly varies, a difference of a grey level is not called an outlier."""
    images = np.tile(np.array([0, 200], np.uint8), (100, 12, 6))[..., np.newaxis].copy()
    images[0, 0, 0] = 1
    assert brightness_outliers(textured(100, images=images)) == []


def _of_sizes(sizes: Any) -> dict[int, str]:
    """Look for outliers among pictures of these sizes; give their places with what is said of them."""
    data = textured(len(sizes), sizes=np.array(sizes, np.int32))
    return {finding.pictures[0].index: finding.message for finding in size_outliers(data)}


def _varied(seed: int, n: int = 300, spread: float = 0.1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).lognormal(np.log(200), spread, (n, 2))


@pytest.mark.parametrize("usual", [np.full((300, 2), 200.0), _varied(0)])
def test_files_of_odd_sizes_are_named_with_what_is_odd(usual: NDArray[np.float64]) -> None:
    """Tiny, huge, narrow and wide pictures are found among others, of one size or not, and told apart."""
    odd = usual.copy()
    odd[[3, 5, 7, 9]] = (20, 20), (2000, 2000), (800, 50), (50, 900)
    found = _of_sizes(odd)
    assert sorted(found) == [3, 5, 7, 9]
    assert found[3].startswith("Smaller than is usual by a factor of ")
    assert found[3].endswith(": 20 x 20 pixels in its file, height first.")
    assert found[5].startswith("Larger")
    assert found[7].startswith("Narrower")
    assert found[9].startswith("Wider than is usual by a factor of 1")


def test_sizes_that_vary_by_nature_are_no_outliers() -> None:
    """Sets of several cameras, of photographs upright and lying, or of all sizes up to a factor of 30 have none."""
    cameras = np.array([(480, 640), (640, 480), (1080, 1920), (3000, 4000)])
    rng = np.random.default_rng(0)
    assert _of_sizes(cameras[rng.integers(0, 4, 300)]) == {}
    assert _of_sizes(cameras[rng.choice(4, 300, p=[0.6, 0.15, 0.15, 0.1])]) == {}
    assert _of_sizes(_varied(1, 2000, 0.9)) == {}
    assert _of_sizes(rng.uniform(20, 600, (2000, 2))) == {}
    assert _of_sizes([(32, 32)] * 11 + [(128, 128)] * 9) == {}


def test_nothing_less_than_a_factor_of_two_is_an_outlier() -> None:
    """Among pictures of one size, one that is a little larger or wider does not count."""
    assert _of_sizes([(100, 100)] * 50 + [(190, 190), (100, 190)]) == {}
    assert sorted(_of_sizes([(100, 100)] * 50 + [(201, 201), (100, 201)])) == [50, 51]


def test_images_without_files_have_no_sizes() -> None:
    """Arrays are of one size, and nothing is said of it."""
    assert size_outliers(textured()) == []
